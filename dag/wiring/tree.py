"""A tree that grows by leaves and finds lowest common ancestors in logarithmic time."""


class Tree:
    """Members are numbers below `root`, which stands for none of them. One jump pointer for each does it (Myers, "An
    applicative random-access stack", 1983)."""

    def __init__(self, size: int):
        self.root = size
        self._depth = [0] * (size + 1)
        self._parent = [size] * (size + 1)
        self._jump = [size] * (size + 1)

    def hang(self, member: int, parent: int) -> None:
        """Add a leaf."""
        depth, jump = self._depth, self._jump
        far = jump[parent]
        even = depth[parent] - depth[far] == depth[far] - depth[jump[far]]
        jump[member] = jump[far] if even else parent
        self._parent[member] = parent
        depth[member] = depth[parent] + 1

    def meeting(self, a: int, b: int) -> int:
        """The lowest common ancestor; a member is its own ancestor."""
        parent, jump = self._parent, self._jump
        shallow = min(self._depth[a], self._depth[b])
        a, b = self._ancestor(a, shallow), self._ancestor(b, shallow)
        while a != b:
            apart = jump[a] != jump[b]
            a, b = (jump[a], jump[b]) if apart else (parent[a], parent[b])
        return a

    def below(self, ancestor: int, member: int) -> int:
        """The child of an ancestor through which a member hangs."""
        return self._ancestor(member, self._depth[ancestor] + 1)

    def _ancestor(self, member: int, depth: int) -> int:
        while self._depth[member] > depth:
            far = self._jump[member]
            member = far if self._depth[far] >= depth else self._parent[member]
        return member
