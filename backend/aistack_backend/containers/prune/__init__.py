"""What nothing uses any more: images, volumes and networks, listed exactly and removed by their ids alone."""
