"""`GET /Record/Stream`: what happens, as it happens, from any place on and for anybody."""
