"""What the API says of itself: OpenAPI for programs, a page for people."""
