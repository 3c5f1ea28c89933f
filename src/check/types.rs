//! What goes with what: kinds of expressions, and literals made the type of what they meet.

use std::net::IpAddr;

use ipnet::IpNet;

use super::pattern;
use crate::schema::FieldType;
use crate::value::{Scalar, Value, number, timestamp};

/// What is known about the values of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: a field that the schema does not know, or something already reported.
    Unknown,
    /// The literal `null`.
    Null,
    /// Values of this type.
    Of(FieldType),
}

impl Kind {
    pub(super) const TEXT: Self = Self::Of(FieldType::Keyword);
    pub(super) const LONG: Self = Self::Of(FieldType::Long);
    pub(super) const DOUBLE: Self = Self::Of(FieldType::Double);
    pub(super) const BOOLEAN: Self = Self::Of(FieldType::Boolean);

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Int(_) => Self::LONG,
            Value::Float(_) => Self::DOUBLE,
            Value::Str(_) => Self::TEXT,
            Value::Ip(_) => Self::Of(FieldType::Ip),
            Value::Time(_) => Self::Of(FieldType::Date),
        }
    }

    /// The word used in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Null => "null",
            Self::Of(kind) => kind.name(),
        }
    }

    /// Whether its values can be of the family `family` says.
    pub(super) fn can_be(self, family: impl Fn(FieldType) -> bool) -> bool {
        match self {
            Self::Unknown | Self::Null => true,
            Self::Of(kind) => family(kind),
        }
    }

    /// Whether join keys of both kinds can ever be equal.
    pub(super) fn joins(self, other: Self) -> bool {
        let family = |kind: FieldType| match kind {
            FieldType::Keyword | FieldType::Text | FieldType::Version => 0,
            FieldType::Long | FieldType::Double => 1,
            FieldType::Boolean => 2,
            FieldType::Ip => 3,
            FieldType::Date => 4,
        };
        match (self, other) {
            (Self::Of(a), Self::Of(b)) => family(a) == family(b),
            _ => true,
        }
    }
}

/// A literal made to fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fitted {
    /// Equal to this.
    Value(Value),
    /// Inside this network.
    Network(IpNet),
}

/// Why a literal does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// Text that is not a number.
    NotNumber,
    /// Text that is not an address or a network.
    NotAddress,
    /// A network where an order is asked.
    NetworkOrder,
    /// Text that is not a point in time.
    NotDate,
    /// `now-1d`, `2024-01-01||/M`
    DateMath,
    /// Any other pair of kinds.
    Kinds,
}

/// Makes a literal the type of the values it is compared with; `ordered` for `<` and the like.
pub(super) fn fit(value: Value, kind: Kind, ordered: bool) -> Result<Fitted, Misfit> {
    let Kind::Of(kind) = kind else { return Ok(Fitted::Value(value)) };
    let value = match (kind, value) {
        (_, Value::Null) => Value::Null,
        (_, value @ (Value::Ip(_) | Value::Time(_))) => value,
        (FieldType::Keyword | FieldType::Text | FieldType::Version, value) => match value {
            Value::Str(_) => value,
            _ if ordered => return Err(Misfit::Kinds),
            // As the number or boolean would stand in the text field.
            other => Value::Str(other.to_string().into()),
        },
        (FieldType::Long | FieldType::Double, value) => match value {
            Value::Str(text) => number(&text).map(Value::from).ok_or(Misfit::NotNumber)?,
            Value::Bool(_) => return Err(Misfit::Kinds),
            other => other,
        },
        (FieldType::Boolean, value) => match value {
            _ if ordered => return Err(Misfit::Kinds),
            Value::Bool(_) => value,
            Value::Str(text) if *text == *"true" => Value::Bool(true),
            Value::Str(text) if *text == *"false" => Value::Bool(false),
            _ => return Err(Misfit::Kinds),
        },
        (FieldType::Ip, Value::Str(text)) => match text.parse::<IpAddr>() {
            Ok(ip) => Value::Ip(ip),
            Err(_) if !text.contains('/') => return Err(Misfit::NotAddress),
            Err(_) if ordered => return Err(Misfit::NetworkOrder),
            Err(_) => {
                let network = pattern::network(&text).ok_or(Misfit::NotAddress)?;
                return Ok(Fitted::Network(network));
            }
        },
        (FieldType::Date, Value::Int(millis)) => {
            Value::Time(crate::time::Timestamp::from_millis(millis))
        }
        (FieldType::Date, Value::Str(text)) => match timestamp(&text) {
            Some(time) => Value::Time(time),
            None if text.starts_with("now") || text.contains("||") => {
                return Err(Misfit::DateMath);
            }
            None => return Err(Misfit::NotDate),
        },
        (FieldType::Ip | FieldType::Date, _) => return Err(Misfit::Kinds),
    };
    Ok(Fitted::Value(value))
}

/// As text, for patterns. `None` for what is not text.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value.scalar() {
        Some(Scalar::Str(text)) => Some(text),
        _ => None,
    }
}
