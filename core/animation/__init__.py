"""From pictures or recordings of a face to a performance that any rigged head can play."""
