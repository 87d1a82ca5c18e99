//! Where the parts of a document stand. JSON is read by the reader of YAML, which knows places; what that one does not
//! read (tabs, say) is placed at its first line.

use super::super::file::tree::{NodeId, Tree, parse};

/// A step on the way to a part.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// Of a mapping.
    Key(&'a str),
    /// Of a list.
    Item(usize),
}

/// The places of a document's parts.
pub(super) struct Places<'t> {
    tree: Option<Tree<'t>>,
}

impl<'t> Places<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            tree: parse(text).ok(),
        }
    }

    /// Line and column of the value at a path, or of the last part of the way that is there.
    pub(super) fn value(&self, path: &[Step<'_>]) -> (usize, usize) {
        self.find(path, false)
    }

    /// Line and column of the key that a path ends with.
    pub(super) fn key(&self, path: &[Step<'_>]) -> (usize, usize) {
        self.find(path, true)
    }

    /// The bytes of the value at a path, where all of the way is there.
    pub(super) fn span(&self, path: &[Step<'_>]) -> Option<(usize, usize)> {
        let tree = self.tree.as_ref()?;
        let node = self.node(path)?;
        Some((tree.node(node).start, tree.node(node).end))
    }

    /// After the last value of the object at a path; none where it is empty.
    pub(super) fn last_in(&self, path: &[Step<'_>]) -> Option<usize> {
        let tree = self.tree.as_ref()?;
        let (_, value) = *tree.entries(self.node(path)?).last()?;
        Some(tree.node(value).end)
    }

    fn node(&self, path: &[Step<'_>]) -> Option<NodeId> {
        let tree = self.tree.as_ref()?;
        let root = tree.documents.first()?.root;
        path.iter().try_fold(root, |node, step| match step {
            Step::Key(name) => tree.get(node, name),
            Step::Item(item) => tree.items(node).get(*item).copied(),
        })
    }

    fn find(&self, path: &[Step<'_>], key: bool) -> (usize, usize) {
        let Some(tree) = &self.tree else { return (1, 1) };
        let Some(document) = tree.documents.first() else {
            return (1, 1);
        };
        let mut node = document.root;
        for (index, step) in path.iter().enumerate() {
            let last = index + 1 == path.len();
            let next = match step {
                Step::Key(name) => tree
                    .entry(node, name)
                    .map(|(at, value)| if last && key { at } else { value }),
                Step::Item(item) => tree.items(node).get(*item).copied(),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        self.at(node)
    }

    fn at(&self, id: NodeId) -> (usize, usize) {
        self.tree
            .as_ref()
            .map_or((1, 1), |tree| (tree.node(id).line, tree.node(id).column))
    }

    /// Keys that stand twice: the key, its line and column.
    pub(super) fn duplicates(&self) -> Vec<(String, usize, usize)> {
        let Some(tree) = &self.tree else { return Vec::new() };
        let twice = tree.duplicates.iter().map(|twice| {
            let (line, column) = self.at(twice.key);
            (
                tree.scalar(twice.key).unwrap_or_default().to_owned(),
                line,
                column,
            )
        });
        twice.collect()
    }
}
