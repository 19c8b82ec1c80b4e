"""What was done for each request and task, as spans: recorded, kept in our own table, sent by OTLP."""
