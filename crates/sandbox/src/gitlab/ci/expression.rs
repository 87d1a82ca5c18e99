//! `rules:if` expressions: variables, texts, patterns, `null`, `==`, `!=`, `=~`, `!~`, `&&`, `||`, parentheses.

use std::collections::BTreeMap;

use regex::RegexBuilder;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Variable(String),
    Text(String),
    Pattern(String, String),
    Null,
    Operator(&'static str),
    Open,
    Close,
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub enum Expression {
    Value(Operand),
    Compare(Operand, &'static str, Operand),
    Both(Box<Expression>, Box<Expression>),
    Either(Box<Expression>, Box<Expression>),
}

#[derive(Clone, Debug)]
pub enum Operand {
    Variable(String),
    Text(String),
    Pattern(String, String),
    Null,
}

/// Reads an expression; none when its syntax is wrong.
pub fn parse(text: &str) -> Option<Expression> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
    };
    let expression = reader.either()?;
    (reader.at == tokens.len()).then_some(expression)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let starts = |wanted: &str| rest.iter().take(wanted.len()).collect::<String>() == wanted;
        let operator = ["==", "!=", "=~", "!~", "&&", "||"]
            .into_iter()
            .find(|operator| starts(operator));
        if let Some(operator) = operator {
            tokens.push(Token::Operator(operator));
            at += 2;
            continue;
        }
        match rest[0] {
            ' ' | '\t' | '\n' | '\r' => at += 1,
            '(' => {
                tokens.push(Token::Open);
                at += 1;
            }
            ')' => {
                tokens.push(Token::Close);
                at += 1;
            }
            '$' => {
                let braced = rest.get(1) == Some(&'{');
                let from = at + 1 + usize::from(braced);
                let mut end = from;
                while end < chars.len() && (chars[end].is_alphanumeric() || chars[end] == '_') {
                    end += 1;
                }
                if end == from || (braced && chars.get(end) != Some(&'}')) {
                    return None;
                }
                tokens.push(Token::Variable(chars[from..end].iter().collect()));
                at = end + usize::from(braced);
            }
            quote @ ('"' | '\'') => {
                let end = rest.iter().skip(1).position(|c| *c == quote)?;
                tokens.push(Token::Text(rest[1..=end].iter().collect()));
                at += end + 2;
            }
            '/' => {
                let mut end = 1;
                while end < rest.len() && rest[end] != '/' {
                    end += if rest[end] == '\\' { 2 } else { 1 };
                }
                if end >= rest.len() {
                    return None;
                }
                let pattern = rest[1..end].iter().collect::<String>().replace("\\/", "/");
                let flags: String = rest[end + 1..]
                    .iter()
                    .take_while(|c| c.is_ascii_lowercase())
                    .collect();
                at += end + 1 + flags.len();
                tokens.push(Token::Pattern(pattern, flags));
            }
            _ if starts("null") => {
                tokens.push(Token::Null);
                at += 4;
            }
            _ => return None,
        }
    }
    Some(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn operator(&mut self, wanted: &[&str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Operator(operator)) if wanted.contains(operator) => {
                self.at += 1;
                Some(operator)
            }
            _ => None,
        }
    }

    fn either(&mut self) -> Option<Expression> {
        let mut left = self.both()?;
        while self.operator(&["||"]).is_some() {
            left = Expression::Either(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Expression> {
        let mut left = self.comparison()?;
        while self.operator(&["&&"]).is_some() {
            left = Expression::Both(Box::new(left), Box::new(self.comparison()?));
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Expression> {
        if self.tokens.get(self.at) == Some(&Token::Open) {
            self.at += 1;
            let inner = self.either()?;
            return (self.tokens.get(self.at) == Some(&Token::Close)).then(|| {
                self.at += 1;
                inner
            });
        }
        let left = self.operand()?;
        let Some(operator) = self.operator(&["==", "!=", "=~", "!~"]) else {
            return Some(Expression::Value(left));
        };
        let right = self.operand()?;
        let matching = matches!(operator, "=~" | "!~");
        let allowed = match right {
            Operand::Pattern(..) => matching,
            Operand::Variable(_) => true,
            _ => !matching,
        };
        allowed.then_some(Expression::Compare(left, operator, right))
    }

    fn operand(&mut self) -> Option<Operand> {
        let operand = match self.tokens.get(self.at)? {
            Token::Variable(name) => Operand::Variable(name.clone()),
            Token::Text(text) => Operand::Text(text.clone()),
            Token::Pattern(pattern, flags) => Operand::Pattern(pattern.clone(), flags.clone()),
            Token::Null => Operand::Null,
            _ => return None,
        };
        self.at += 1;
        Some(operand)
    }
}

impl Expression {
    pub fn holds(&self, variables: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Value(operand) => operand.value(variables).is_some_and(|text| !text.is_empty()),
            Self::Both(left, right) => left.holds(variables) && right.holds(variables),
            Self::Either(left, right) => left.holds(variables) || right.holds(variables),
            Self::Compare(left, operator, right) => match *operator {
                "==" => left.value(variables) == right.value(variables),
                "!=" => left.value(variables) != right.value(variables),
                "=~" => matches(left, right, variables),
                _ => !matches(left, right, variables),
            },
        }
    }
}

impl Operand {
    fn value(&self, variables: &BTreeMap<String, String>) -> Option<String> {
        match self {
            Self::Variable(name) => variables.get(name).cloned(),
            Self::Text(text) => Some(text.clone()),
            Self::Pattern(pattern, flags) => Some(format!("/{pattern}/{flags}")),
            Self::Null => None,
        }
    }
}

fn matches(left: &Operand, right: &Operand, variables: &BTreeMap<String, String>) -> bool {
    let Some(text) = left.value(variables) else {
        return false;
    };
    let (pattern, flags) = match right {
        Operand::Pattern(pattern, flags) => (pattern.clone(), flags.clone()),
        other => {
            let value = other.value(variables).unwrap_or_default();
            match value.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
                Some((pattern, flags)) => (pattern.to_owned(), flags.to_owned()),
                None => return false,
            }
        }
    };
    RegexBuilder::new(&pattern)
        .case_insensitive(flags.contains('i'))
        .multi_line(true)
        .dot_matches_new_line(flags.contains('m') || flags.contains('s'))
        .build()
        .is_ok_and(|regex| regex.is_match(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        let pairs = [
            ("CI_COMMIT_BRANCH", "main"),
            ("EMPTY", ""),
            ("TAG", "v1.2.3"),
            ("PATTERN", "/^v\\d/"),
        ];
        let variables = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        parse(text)
            .unwrap_or_else(|| panic!("{text} parses"))
            .holds(&variables)
    }

    #[test]
    fn comparisons_follow_gitlab() {
        assert!(holds("$CI_COMMIT_BRANCH == \"main\""));
        assert!(!holds("$CI_COMMIT_BRANCH != 'main'"));
        assert!(holds("$MISSING == null"));
        assert!(holds("$EMPTY != null"));
        assert!(!holds("$EMPTY"));
        assert!(holds("$TAG =~ /^v\\d+\\.\\d+/"));
        assert!(holds("$TAG =~ $PATTERN"));
        assert!(holds("$TAG !~ /^V/"));
        assert!(holds("$TAG =~ /^V/i"));
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_win() {
        assert!(holds("$MISSING && $MISSING || $TAG"));
        assert!(!holds("$MISSING && ($MISSING || $TAG)"));
    }

    #[test]
    fn broken_expressions_are_refused() {
        for text in [
            "$A ==",
            "== 'x'",
            "$A = 'x'",
            "($A",
            "$A =~ 'text'",
            "$A == /x/",
            "$",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
