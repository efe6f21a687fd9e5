"""Closest points on a triangle mesh, exactly: a k-d tree proposes triangles until it is proven that no other can be nearer, and
projection (Ericson 2005, §5.1.5) decides."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .mesh import face_normals, unique_edges
from .parallel import in_threads

_CHUNK = 16_384  # points at once: what is computed of them stays in the cache
_WIDTH = 8  # triangles of a site
_SITES = 3  # sites looked at first: enough for nearly all points among well-shaped triangles
_LARGE = 8.0  # times the median radius: sites of larger triangles are searched by themselves


def closest_on_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentrics (N, 3) of the point of each triangle, corners (N, 3, 3), that is closest to its point, (N, 3)."""
    a, ab, ac, *products = _components(corners)
    v, w = _closest(np.moveaxis(points, -1, 0) - a, ab, ac, *products)
    return np.stack([1 - v - w, v, w], axis=1)


def _components(corners: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of triangles (N, 3, 3): first corner a, sides ab and ac from it, each (3, N), and the products ab ab, ab ac and ac ac, each (N,)."""
    a, b, c = corners.transpose(1, 2, 0)
    ab, ac = b - a, c - a
    return a, ab, ac, _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)


def _closest(
    ap: np.ndarray, ab: np.ndarray, ac: np.ndarray, bb: np.ndarray, bc: np.ndarray, cc: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Barycentrics (N,) of the second and third corners for points at ap (3, N) from the first; the rest as from `_components`.

    One coordinate after the other in contiguous memory: several times as fast as rows of three.
    """
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    d3, d4, d5, d6 = d1 - bb, d2 - bc, d1 - bc, d2 - cc
    vb, vc, total = cc * d1 - bc * d2, bb * d2 - bc * d1, bb * cc - bc * bc
    va = total - vb - vc
    total = _divisor(total)
    v, w = vb / total, vc / total
    along, back = d4 - d3, d5 - d6
    on_bc = (va <= 0) & (along >= 0) & (back >= 0)
    t = along / _divisor(along + back)
    np.copyto(v, 1 - t, where=on_bc)
    np.copyto(w, t, where=on_bc)
    on_ac = (vb <= 0) & (d2 >= 0) & (d6 <= 0)
    np.copyto(v, 0, where=on_ac)
    np.copyto(w, d2 / _divisor(cc), where=on_ac)
    on_ab = (vc <= 0) & (d1 >= 0) & (d3 <= 0)
    np.copyto(v, d1 / _divisor(bb), where=on_ab)
    np.copyto(w, 0, where=on_ab)
    at_c, at_b, at_a = (d6 >= 0) & (back <= 0), (d3 >= 0) & (along <= 0), (d1 <= 0) & (d2 <= 0)
    for there, corner_v, corner_w in ((at_c, 0, 1), (at_b, 1, 0), (at_a, 0, 0)):
        np.copyto(v, corner_v, where=there)
        np.copyto(w, corner_w, where=there)
    return v, w


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _divisor(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) > 1e-30, values, values.dtype.type(1))


def _angle_weighted(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Sums (V, 3) of unit face normals weighted by the angle of each face at the vertex."""
    corners = vertices[faces]
    following, previous = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    cosine = (following * previous).sum(2) / np.maximum(np.linalg.norm(following, axis=2) * np.linalg.norm(previous, axis=2), 1e-20)
    angle = np.arccos(np.clip(cosine, -1, 1))
    weighted = angle[..., None] * normals[:, None]
    flat = faces.ravel()
    return np.stack([np.bincount(flat, weighted[..., axis].ravel(), minlength=len(vertices)) for axis in range(3)], axis=1)


def _cover(bb: np.ndarray, bc: np.ndarray, cc: np.ndarray) -> np.ndarray:
    """Squares (F,) of the smallest radius at which balls around its corners cover a triangle, or slightly more; the products (F,) are
    those of `_components` in double precision.
    """
    opposite = bb + cc - 2 * bc
    longest = np.maximum(np.maximum(bb, cc), opposite)
    acute = bb + cc + opposite > 2 * longest
    circle = bb * cc * opposite / np.maximum(4 * (bb * cc - bc * bc), 1e-300)
    # The circle of an acute triangle is never larger than that of an equilateral one; what exceeds it is rounding.
    return np.where(acute, np.minimum(circle, longest / 3), longest / 4) * (1 + 1e-6)


class Topology:
    """What ClosestSurface needs to know of a mesh's faces (F, 3) alone; made once for surfaces that share them.

    sites (S,): vertex ids, each as often as its triangles need. incident (S, 8): triangles around the site. fresh (S, 8) bool: False for
    repetitions that fill up a row. face_edges (F, 3): edge ids.
    """

    def __init__(self, faces: np.ndarray) -> None:
        self.faces = np.asarray(faces, np.int64)
        used, inverse = np.unique(self.faces, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        counts = np.bincount(inverse.ravel(), minlength=len(used))
        shares = -(-counts // _WIDTH)
        vertex = np.repeat(np.arange(len(used)), shares)
        first = (np.arange(len(vertex)) - np.repeat(np.cumsum(shares) - shares, shares)) * _WIDTH
        place = first[:, None] + np.arange(_WIDTH)
        last = counts[vertex][:, None] - 1
        self.sites = used[vertex]
        self.fresh = place <= last
        self.incident = (order // 3)[(np.cumsum(counts) - counts)[vertex][:, None] + np.minimum(place, last)]
        self.face_edges = unique_edges(self.faces)[1]


class _Sites:
    """A k-d tree of some sites of a mesh, which gives first what can hold the nearest points.

    Let p be the point of a triangle that is nearest to a point q. At the corners v of what p lies in (face, edge or corner) the triangle
    p, q, v has a right angle at p: |q - p|² = |q - v|² - |p - v|², and for one of them |p - v| is at most the triangle's radius r.
    So |q - v|² - r² is a bound. A fourth coordinate of sqrt(max r² - r²) makes the tree answer in the order of these bounds.
    """

    def __init__(self, places: np.ndarray, incident: np.ndarray, cover: np.ndarray, corners: np.ndarray) -> None:
        """places (S, 3), incident (S, 8) as in Topology, cover (S, 8) squared radii of those triangles, -inf for repetitions; corners
        (F, 3, 3) of all triangles."""
        self.incident = incident
        around = corners[np.unique(incident)].reshape(-1, 3)
        self._low, self._high = around.min(0), around.max(0)
        largest = cover.max(1)
        self.gaps = largest[:, None] - cover
        self._shift = float(largest.max())
        # Splits in the middle, boxes as they come, large leaves: twice as fast for points far away, which see many vertices equally near.
        lifted = np.column_stack([places, np.sqrt(self._shift - largest)])
        self._tree = cKDTree(lifted, leafsize=64, balanced_tree=False, compact_nodes=False)

    def within(self, points: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Those of points (N, 3), by number, whose squared distances (N,) from the box around the triangles are below `squared` (N,)."""
        outside = np.maximum(np.maximum(self._low - points, points - self._high), 0)
        return np.flatnonzero((outside**2).sum(1) < squared)

    def next(self, points: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Sites (N, last - first) in order for points (N, 3), and their bounds (N, last - first), squared distances that may be negative.

        The bound of one triangle in slot i is larger by `gaps` (S, 8).
        """
        lifted = np.column_stack([points, np.zeros(len(points), points.dtype)])
        distance, site = self._tree.query(lifted, k=np.arange(first + 1, last + 1))
        return site, distance**2 - self._shift

    def __len__(self) -> int:
        return len(self.incident)


class _Found:
    """The best so far of points (N, 3): squared distance (N,), face (N,), barycentrics (2, N) of its second and third corners."""

    def __init__(self, points: np.ndarray) -> None:
        self.place = np.ascontiguousarray(points.T.astype(np.float64))
        self.squared = np.full(len(points), np.inf)
        self.face = np.zeros(len(points), np.int64)
        self.shares = np.zeros((2, len(points)))

    def keep(self, rows: np.ndarray, squared: np.ndarray, face: np.ndarray, shares: np.ndarray) -> None:
        """What is nearer than the best so far of the points of rows (N,), each once; the rest as above."""
        better = squared < self.squared[rows]
        rows = rows[better]
        self.squared[rows], self.face[rows], self.shares[:, rows] = squared[better], face[better], shares[:, better]


class ClosestSurface:
    """Closest-point queries on one mesh of any triangles; fast where they are well shaped."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray | Topology) -> None:
        topology = faces if isinstance(faces, Topology) else Topology(faces)
        self.vertices = np.ascontiguousarray(vertices, np.float32)
        self.faces = topology.faces
        corners = self.vertices[self.faces].astype(np.float64)
        parts = _components(corners)
        cover = _cover(*parts[3:])
        cover = np.where(topology.fresh, cover[topology.incident], -np.inf)
        largest = cover.max(1)
        # Few large triangles would make all radii look alike to the tree.
        large = largest > _LARGE**2 * np.median(largest)
        self._sites = [
            _Sites(self.vertices[topology.sites[some]], topology.incident[some], cover[some], corners)
            for some in (~large, large)
            if some.any()
        ]
        # A row a triangle, (F, 12), is fetched at once.
        self._triangles = np.concatenate([np.atleast_2d(part) for part in parts]).T.copy()
        normals = face_normals(self.vertices, self.faces)
        self._face_normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        self._vertex_normals = _angle_weighted(self.vertices, self.faces, self._face_normals)
        edges = topology.face_edges
        summed = [np.bincount(edges.ravel(), np.repeat(self._face_normals[:, axis], 3)) for axis in range(3)]
        # The edge opposite to corner i, for barycentric i near zero: 12, 20, 01.
        self._edge_normals = np.stack(summed, axis=1)[edges[:, [1, 2, 0]]]

    def query(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signed distance (N,), face (N,) and barycentrics (N, 3) of the closest surface points of points (N, 3).

        Negative inside a closed mesh; the sign comes from the angle-weighted pseudo-normal of the face, edge or vertex where the
        closest point lies (Baerentzen & Aanaes 2005).
        """
        chunks = [points[i : i + _CHUNK] for i in range(0, len(points), _CHUNK)]
        if not chunks:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 3), np.float32)
        distance, face, barycentric = (np.concatenate(column) for column in zip(*in_threads(self._query, chunks), strict=True))
        return distance, face, barycentric

    def _query(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = np.asarray(points, np.float32)
        found = _Found(points)
        for sites in self._sites:
            rows, first, last = sites.within(points, found.squared), 0, _SITES
            while len(rows) and first < len(sites):
                last = min(last, len(sites))
                unproven = []
                for part in np.array_split(rows, -(-len(rows) * last // (_SITES * _CHUNK))):
                    near, bound = sites.next(points[part], first, last)
                    if first == 0:
                        for column in range(last):
                            self._improve(found, part, near[:, column], bound[:, column], sites)
                    else:
                        self._improve_few(found, part, near, bound, sites)
                    unproven.append(part[found.squared[part] > bound[:, -1]])
                rows = np.concatenate(unproven)
                first, last = last, 2 * last
        face, barycentric = found.face, np.stack([1 - found.shares.sum(0), *found.shares], axis=1).astype(np.float32)
        closest = np.einsum("nij,ni->nj", self.vertices[self.faces[face]], barycentric)
        normal = self._pseudo_normals(face, barycentric)
        sign = np.where(np.einsum("ni,ni->n", points - closest, normal) < 0, -1, 1)
        return (sign * np.sqrt(found.squared)).astype(np.float32), face, barycentric

    def _improve(self, found: _Found, rows: np.ndarray, site: np.ndarray, bound: np.ndarray, sites: _Sites) -> None:
        """Try the triangles around site (N,), whose bounds are bound (N,), for the points of rows (N,): one after the other, because most
        are ruled out by the one before."""
        nearer = bound < found.squared[rows]
        rows, site, bound = rows[nearer], site[nearer], bound[nearer]
        for slot in range(_WIDTH):
            likely = bound + sites.gaps[site, slot] < found.squared[rows]
            triangles = sites.incident[site[likely], slot]
            found.keep(rows[likely], *self._projected(found.place[:, rows[likely]], triangles))

    def _improve_few(self, found: _Found, rows: np.ndarray, site: np.ndarray, bound: np.ndarray, sites: _Sites) -> None:
        """As `_improve` with several sites of each point, (N, C), at once: of few points, many calls would take longer than the work."""
        number, column, slot = np.nonzero(bound[:, :, None] + sites.gaps[site] < found.squared[rows, None, None])
        squared, face, shares = self._projected(found.place[:, rows[number]], sites.incident[site[number, column], slot])
        order = np.lexsort((squared, number))
        best = order[np.flatnonzero(np.diff(number[order], prepend=-1))]
        found.keep(rows[number[best]], squared[best], face[best], shares[:, best])

    def _projected(self, places: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Squared distances (N,) of places (3, N) from triangles (N,), these, and barycentrics (2, N) as in `_Found`."""
        parts = np.ascontiguousarray(self._triangles[triangles].T)
        ab, ac = parts[3:6], parts[6:9]
        ap = places - parts[:3]
        v, w = _closest(ap, ab, ac, *parts[9:])
        rest = ap - v * ab - w * ac
        return _dot(rest, rest), triangles, np.stack([v, w])

    def _pseudo_normals(self, face: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        zero = barycentric < 1e-5
        count = zero.sum(1)
        normal = self._face_normals[face]
        on_edge = np.flatnonzero(count == 1)
        normal[on_edge] = self._edge_normals[face[on_edge], zero[on_edge].argmax(1)]
        on_vertex = np.flatnonzero(count == 2)
        corner = barycentric[on_vertex].argmax(1)
        normal[on_vertex] = self._vertex_normals[self.faces[face[on_vertex], corner]]
        return normal

    def interpolate(self, attributes: np.ndarray, face: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Per-vertex attributes (V, C) at surface points given by face (N,) and barycentrics (N, 3)."""
        # A corner after the other: of many attributes, all three at once take three times the memory and longer.
        corners = self.faces[face].T
        result = attributes[corners[0]] * barycentric[:, :1]
        for corner in (1, 2):
            result += attributes[corners[corner]] * barycentric[:, corner : corner + 1]
        return result
