"""What MediaPipe makes of turned faces, and the linear map that mends it."""
