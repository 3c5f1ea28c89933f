//! [`Numbers`] and [`Texts`]: sets of values a field of an event can still have.
//!
//! In: what a stage or a filter says about a field. Out: the values that are left. Exact for whole numbers;
//! texts are unions of whole texts and beginnings of texts, less others. Sizes are bounded by what the
//! conditions and filters say; nothing here reads an event.

/// Whole numbers as ranges, ascending, apart from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers(Vec<(i64, i64)>);

impl Numbers {
    pub(super) const ALL: (i64, i64) = (i64::MIN, i64::MAX);

    pub(super) fn all() -> Self {
        Self(vec![Self::ALL])
    }

    pub(super) fn of(mut ranges: Vec<(i64, i64)>) -> Self {
        ranges.retain(|(low, high)| low <= high);
        ranges.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match joined.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        Self(joined)
    }

    pub(super) fn one(number: i64) -> Self {
        Self(vec![(number, number)])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                both.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next();
            } else {
                right.next();
            }
        }
        Self(both)
    }

    pub(super) fn not(&self) -> Self {
        let mut rest = Vec::new();
        let mut from = Some(i64::MIN);
        for (low, high) in &self.0 {
            if let (Some(start), Some(end)) = (from, low.checked_sub(1)) {
                rest.push((start, end));
            }
            from = high.checked_add(1);
        }
        rest.extend(from.map(|from| (from, i64::MAX)));
        Self::of(rest)
    }

    /// The numbers, when there are but a few.
    pub(super) fn few(&self, most: usize) -> Option<Vec<i64>> {
        let single = self.0.len() <= most && self.0.iter().all(|(low, high)| low == high);
        single.then(|| self.0.iter().map(|(low, _)| *low).collect())
    }
}

/// Some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// This one.
    Exact(String),
    /// All that begin like this; the empty one stands for all there are.
    Prefix(String),
}

impl Piece {
    /// Whether all of `other` is in it.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(own), Self::Exact(other)) => own == other,
            (Self::Prefix(own), Self::Exact(other) | Self::Prefix(other)) => other.starts_with(own),
            (Self::Exact(_), Self::Prefix(_)) => false,
        }
    }

    fn and(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else if other.covers(self) {
            Some(self.clone())
        } else {
            None
        }
    }
}

/// Texts: those of `some`, less those of `less`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) some: Vec<Piece>,
    pub(super) less: Vec<Piece>,
}

impl Texts {
    pub(super) fn all() -> Self {
        Self { some: vec![Piece::Prefix(String::new())], less: Vec::new() }
    }

    pub(super) fn of(some: Vec<Piece>) -> Self {
        Self { some, less: Vec::new() }
    }

    /// A folder and all below it.
    pub(super) fn below(folder: &str) -> Self {
        let folder = folder.trim_end_matches('/');
        Self::of(vec![Piece::Exact(folder.to_owned()), Piece::Prefix(format!("{folder}/"))])
    }

    pub(super) fn is_all(&self) -> bool {
        self.less.is_empty() && self.some.contains(&Piece::Prefix(String::new()))
    }

    /// A beginning goes on in more ways than single texts can take away.
    pub(super) fn is_empty(&self) -> bool {
        self.some.iter().all(|piece| self.less.iter().any(|less| less.covers(piece)))
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let pairs = self.some.iter().flat_map(|own| other.some.iter().map(move |o| own.and(o)));
        let less = self.less.iter().chain(&other.less).cloned();
        let mut both = Self { some: pairs.flatten().collect(), less: less.collect() };
        both.some.dedup();
        let Self { some, less } = &mut both;
        some.retain(|piece| !less.iter().any(|less| less.covers(piece)));
        both
    }

    /// All but these; `None` for texts that are themselves what others leave.
    pub(super) fn not(&self) -> Option<Self> {
        self.less.is_empty().then(|| Self { less: self.some.clone(), ..Self::all() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_sets() {
        let low = Numbers::of(vec![(5, 9), (0, 4), (20, 30)]);
        assert_eq!(low, Numbers(vec![(0, 9), (20, 30)]));
        assert_eq!(low.not().not(), low);
        assert_eq!(low.and(&Numbers::of(vec![(8, 25)])), Numbers(vec![(8, 9), (20, 25)]));
        assert!(low.and(&low.not()).is_empty());
        assert!(Numbers::all().not().is_empty() && Numbers::of(Vec::new()).not() == Numbers::all());
        assert_eq!(Numbers::of(vec![(2, 2), (10, 10)]).few(2), Some(vec![2, 10]));
        assert_eq!(low.few(9), None);
    }

    #[test]
    fn texts_as_sets() {
        let etc = Texts::below("/etc/");
        let passwd = Texts::of(vec![Piece::Exact("/etc/passwd".to_owned())]);
        assert_eq!(etc.and(&passwd).some, passwd.some);
        assert!(passwd.and(&etc.not().unwrap()).is_empty());
        assert!(!etc.and(&passwd.not().unwrap()).is_empty());
        assert!(!passwd.and(&Texts::below("/etcetera").not().unwrap()).is_empty());
        assert!(Texts::all().and(&etc).and(&etc.not().unwrap()).is_empty());
        assert!(Texts::below("/").and(&etc).some.len() == 2, "everything is below /");
    }
}
