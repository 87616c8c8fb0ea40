//! Disjoint sets of things that are numbered from 0: what is joined with what, whatever the order of the joins.

/// The sets; each is known by the least of its members.
pub(super) struct Sets(Vec<usize>);

impl Sets {
    /// Each of `n` things alone.
    pub(super) fn of(n: usize) -> Sets {
        Sets((0..n).collect())
    }

    /// The least member of the set that `i` is in.
    pub(super) fn find(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// Makes one set of the sets of `a` and `b`.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}
