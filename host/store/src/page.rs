//! Lists that are read a page at a time: nobody's memory has to hold a whole one.

use serde::Serialize;

/// How much of a list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most so many items.
    pub items_max: usize,
    /// None further once the items have so many bytes, as JSON. The first item is read whatever
    /// its size.
    pub bytes_max: usize,
}

impl Page {
    /// So many items, whatever their size.
    pub fn of(items_max: usize) -> Page {
        Page { items_max, bytes_max: usize::MAX }
    }

    /// Has a page with `items` of `bytes` no room for one more?
    pub fn is_full(&self, items: usize, bytes: usize) -> bool {
        items >= self.items_max || (items > 0 && bytes >= self.bytes_max)
    }
}

/// A page as it was read, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Does the list go on after it?
    pub more: bool,
}

impl<T: Serialize> Part<T> {
    /// The first page of `items`.
    pub(crate) fn of(items: impl IntoIterator<Item = T>, page: Page) -> Part<T> {
        let mut part = Part { items: Vec::new(), more: false };
        let mut bytes = 0;
        for item in items {
            if page.is_full(part.items.len(), bytes) {
                part.more = true;
                break;
            }
            bytes += serde_json::to_vec(&item).map_or(0, |json| json.len());
            part.items.push(item);
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_items_or_its_bytes_and_says_whether_there_is_more() {
        let part = |items_max: usize, bytes_max: usize| {
            let part = Part::of(["ab", "cd", "ef"], Page { items_max, bytes_max });
            (part.items.len(), part.more)
        };
        assert_eq!(part(2, 1000), (2, true));
        assert_eq!(part(3, 1000), (3, false));
        assert_eq!(part(9, 8), (2, true));
        assert_eq!(part(9, 9), (3, false));
        assert_eq!(part(9, 0), (1, true));
    }
}
