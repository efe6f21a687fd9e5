"""Photo intake: decode safely, turn upright, find the face, cut the person out."""
