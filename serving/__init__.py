"""What happens to an exported model: an HTTP service that needs neither torch nor the search."""
