"""What tests need beside the product."""
