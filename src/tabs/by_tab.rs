//! What is known of tabs, each by its name. Knows no message.

use super::TabId;

/// A few tabs' values, in the order of their names. (A tree's or hash table's code is 10 KB for each
/// type of value.)
#[derive(Clone, Debug)]
pub struct ByTab<T>(Vec<(TabId, T)>);

impl<T> Default for ByTab<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByTab<T> {
    fn find(&self, tab: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(id, _)| (**id).cmp(tab))
    }

    /// A tab's.
    pub fn get(&self, tab: &str) -> Option<&T> {
        self.find(tab).ok().map(|at| &self.0[at].1)
    }

    /// Sets a tab's.
    pub fn insert(&mut self, tab: TabId, value: T) {
        match self.find(&tab) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (tab, value)),
        }
    }

    /// Takes a tab's out.
    pub fn remove(&mut self, tab: &str) -> Option<T> {
        self.find(tab).ok().map(|at| self.0.remove(at).1)
    }

    /// Drops all but some.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&TabId, &T) -> bool) {
        self.0.retain(|(id, value)| is_kept(id, value));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&TabId, &T)> {
        self.0.iter().map(|(id, value)| (id, value))
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &TabId> {
        self.0.iter().map(|(id, _)| id)
    }
}
