"""Fields: signed distance, colour and correspondence at any points of a frame.

field.py says what every field answers. crop.py is the networks' field of one crop. smoothed.py and silhouette.py take a field and give
one; head.py puts them together for a head. A field of several views (multiview.py) and one of a head inside a body (composite.py) belong
here: the surface is built of any field, and no caller changes.
"""
