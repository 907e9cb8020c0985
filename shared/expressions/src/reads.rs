//! Which paths a text reads, for whoever knows which ones there are.

use cel::common::ast::{Expr, IdedExpr, operators};

use crate::checks::{children, literal};
use crate::variables::Variables;

/// A path that an expression, condition or template reads, like `profile.purchases.count`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPath {
    /// Its parts; the first is one of [`Variables`]' names.
    pub parts: Vec<String>,
    /// Whether the text takes care of its absence, as `has(a.b)`, `a.?b` and `a.b | default(0)` do.
    pub guarded: bool,
}

/// The paths that `expression` reads, in order of appearance, each as long as it can be told.
pub(crate) fn of_expression(expression: &IdedExpr) -> Vec<ReadPath> {
    let mut reads = Vec::new();
    collect(expression, &mut Vec::new(), &mut reads);
    reads
}

fn collect<'e>(node: &'e IdedExpr, bound: &mut Vec<&'e str>, reads: &mut Vec<ReadPath>) {
    if let Some(read) = path(node, bound) {
        reads.push(read);
        return;
    }
    // `a.b[i].c` reads `a.b`, and whatever `i` reads.
    let before = bound.len();
    if let Expr::Comprehension(each) = &node.expr {
        collect(&each.iter_range, bound, reads);
        bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
        bound.extend(each.iter_var2.as_deref());
        for part in [&each.accu_init, &each.loop_cond, &each.loop_step, &each.result] {
            collect(part, bound, reads);
        }
    } else {
        children(node).into_iter().for_each(|child| collect(child, bound, reads));
    }
    bound.truncate(before);
}

/// The path that `node` is, when it is one and starts at a variable of the scope.
fn path(node: &IdedExpr, bound: &[&str]) -> Option<ReadPath> {
    let below = |left: &IdedExpr, field: &str, guards: bool| {
        let mut read = path(left, bound)?;
        read.parts.push(field.to_string());
        read.guarded |= guards;
        Some(read)
    };
    match &node.expr {
        Expr::Ident(name)
            if Variables::Run.names().contains(&name.as_str()) && !bound.contains(&name.as_str()) =>
        {
            Some(ReadPath { parts: vec![name.clone()], guarded: false })
        }
        Expr::Select(select) => below(&select.operand, &select.field, select.test),
        Expr::Call(call) => {
            let guards = match call.func_name.as_str() {
                operators::INDEX => false,
                operators::OPT_SELECT | operators::OPT_INDEX => true,
                _ => return None,
            };
            match (call.args.as_slice(), call.target.as_deref()) {
                ([left, field], None) => below(left, literal(field)?, guards),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expression, Template};

    fn shown(reads: &[ReadPath]) -> Vec<String> {
        let mark = |read: &ReadPath| if read.guarded { "?" } else { "" };
        reads.iter().map(|read| format!("{}{}", read.parts.join("."), mark(read))).collect()
    }

    #[test]
    fn the_paths_of_an_expression_are_told_with_those_that_may_be_absent() {
        let source = "has(event.properties.a) && profile.?b.?c.orValue(0) + session['d e'].f > size(event.g[event.i].h) \
                      || event.list.exists(profile, profile.x == session.y) ? now : event.z";
        let expression = Expression::compile(source).unwrap();
        assert_eq!(
            shown(expression.reads()),
            [
                "event.properties.a?",
                "profile.b.c?",
                "session.d e.f",
                "event.g",
                "event.i",
                "event.list",
                "session.y",
                "now",
                "event.z"
            ]
        );
    }

    #[test]
    fn the_paths_of_a_template_are_told_too() {
        let template =
            Template::compile("{{ event.properties.a | default('x') }} {{ profile.b }}", Variables::All)
                .unwrap();
        assert_eq!(shown(template.reads()), ["event.properties.a?", "profile.b"]);
    }
}
