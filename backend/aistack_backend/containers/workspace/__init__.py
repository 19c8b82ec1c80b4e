"""The folders that agents work in: private copies, walked without following a link, with checkpoints beside them."""
