"""The backend as the console sees it: typed calls, the event stream, and starting it."""
