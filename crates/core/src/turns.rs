//! Who is asked about next, where more wait for it than are asked about at once.

/// At most `most` of `waiting`: all of them, or those that come after the one that was taken last (`after`, by their keys), from the
/// beginning again after the end. So those whose answer never comes do not keep the others from being asked about.
pub fn take<T>(
    mut waiting: Vec<T>,
    key: impl Fn(&T) -> &str,
    after: &mut Option<String>,
    most: usize,
) -> Vec<T> {
    if waiting.len() <= most {
        return waiting;
    }
    waiting.sort_by(|one, other| key(one).cmp(key(other)));
    let from = after
        .as_deref()
        .map_or(0, |after| waiting.partition_point(|one| key(one) <= after));
    waiting.rotate_left(from);
    waiting.truncate(most);
    *after = waiting.last().map(|one| key(one).to_owned());
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(waiting: &[&'static str], after: &mut Option<String>) -> Vec<&'static str> {
        take(waiting.to_vec(), |one| one, after, 2)
    }

    #[test]
    fn all_are_taken_where_they_are_not_too_many() {
        let mut after = Some("a".to_owned());
        assert_eq!(taken(&["b", "a"], &mut after), ["b", "a"]);
        assert_eq!(after.as_deref(), Some("a"));
    }

    #[test]
    fn where_they_are_each_comes_to_its_turn() {
        let mut after = None;
        let five = ["e", "a", "d", "b", "c"];
        assert_eq!(taken(&five, &mut after), ["a", "b"]);
        assert_eq!(taken(&five, &mut after), ["c", "d"]);
        assert_eq!(taken(&five, &mut after), ["e", "a"]);
        // Who was answered is not among them any more.
        assert_eq!(taken(&["c", "d", "e"], &mut after), ["c", "d"]);
        assert_eq!(taken(&["a", "b", "c"], &mut after), ["a", "b"]);
    }
}
