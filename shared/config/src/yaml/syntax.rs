//! What is wrong with a text that is not YAML, in words for people who never read its specification. Of the text only
//! single characters are quoted: it may hold anything.

use serde_saphyr::granit_parser::ErrorKind;

/// What is wrong, and what to write instead.
pub(super) fn words(kind: &ErrorKind) -> String {
    use ErrorKind as Kind;
    let told = match kind {
        Kind::UnclosedFlowCollection { open } => return unclosed(*open),
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("`{open}` is closed by `{close}`; write {}", closing(*open));
        }
        Kind::UnexpectedCharacter { character } => {
            return format!("a text cannot begin with `{character}`; put it in quotes");
        }
        Kind::UnexpectedEofFlowSequence => return unclosed('['),
        Kind::UnexpectedEofFlowMapping | Kind::UnexpectedEofImplicitFlowMapping => return unclosed('{'),
        Kind::ExpectedFlowSequenceSeparator => "`,` or `]` is missing before this",
        Kind::ExpectedFlowMappingSeparator => "`,` or `}` is missing before this",
        Kind::MisplacedFlowCollectionEnd => "this bracket closes nothing; a text that holds one needs quotes",

        Kind::ExpectedBlockMappingKey | Kind::UnexpectedEofBlockMapping => {
            "this does not fit the lines above: write `name: value` here, beginning in the column of its neighbours"
        }
        Kind::ExpectedBlockSequenceEntry | Kind::UnexpectedEofBlockSequence => {
            "this does not fit the list above: write `- ` and an element, beginning in the column of the others"
        }
        Kind::BlockSequenceEntryNotAllowed => {
            "a list cannot begin here: write its first `- ` on a line of its own"
        }
        Kind::BlockEntryInFlowCollection => {
            "elements in brackets are separated by `,` and have no `-` before them"
        }
        Kind::InvalidBlockEntryWhitespace => "a space belongs between `-` and the element",
        Kind::InvalidIndentation
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidBlockScalarIndent
        | Kind::InvalidQuotedScalarIndent => {
            "this line is indented too little or too much: lines that belong together begin in the same column"
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::TabInPlainScalar => "a tab cannot be here: indent with spaces",

        Kind::SimpleKeyExpected => "`:` is missing after the name: write `name: value`",
        Kind::InvalidSimpleKey => "a name and its `:` belong on one line",
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => {
            "`:` cannot be here: put a text that holds it in quotes, or begin a new line with `name: value`"
        }
        Kind::MappingKeyNotAllowed => "a name cannot begin here: begin a new line with `name: value`",
        Kind::InvalidMappingValueWhitespace | Kind::FlowMappingValueAdjacentCollection => {
            "a space belongs between `:` and the value"
        }
        Kind::ExpectedNodeContent => "a value is missing before this",
        Kind::ExpectedWhitespace => "a space is missing before this",
        Kind::CommentNotSeparated => "a space belongs before the `#` of a comment",
        Kind::CommentInterceptedScalar => "a comment cannot interrupt a text of several lines",

        Kind::UnclosedQuotedScalar => "a text in quotes is never closed",
        Kind::InvalidTrailingSingleQuotedScalar => {
            "something follows the closing quote: put all of the text in quotes; a quote within it is written twice"
        }
        Kind::InvalidTrailingDoubleQuotedScalar => {
            "something follows the closing quote: put all of the text in quotes; a quote within it is written `\\\"`"
        }
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => {
            "this cannot follow a backslash in double quotes: write `\\\\` for a backslash, or use single quotes"
        }
        Kind::InvalidBlockScalarHeader | Kind::ZeroBlockScalarIndent => {
            "a text after `|` or `>` begins on the next line; put one that holds such a sign in quotes"
        }
        Kind::DocumentIndicatorInQuotedScalar => "a document ends within a text in quotes; close the quotes",
        Kind::PlainScalarStartsWithDashFlowIndicator => "put a text that begins with `-` in quotes",
        Kind::UnexpectedEndOfPlainScalar => "a text is missing here, or needs quotes",

        Kind::MissingAnchorOrAliasName => "put a text that begins with `&` or `*` in quotes",
        Kind::UndeclaredTagHandle
        | Kind::ExpectedTagBang
        | Kind::InvalidGlobalTagCharacter
        | Kind::InvalidTagTerminator
        | Kind::MissingTagUri
        | Kind::UnclosedVerbatimTag
        | Kind::InvalidTagEscape => "put a text that begins with `!` in quotes",
        Kind::DirectiveDisallowed
        | Kind::MissingDirectiveName
        | Kind::InvalidDirectiveName
        | Kind::InvalidDirectiveTerminator
        | Kind::MissingDocumentEndBeforeDirective
        | Kind::MissingYamlVersion
        | Kind::MissingYamlVersionSeparator
        | Kind::UnsupportedYamlMajorVersion => "a line cannot begin with `%`; put a text that does in quotes",
        Kind::ExpectedDocumentStart | Kind::InvalidDocumentEnd => {
            "this comes after the end of the document: begin another one with `---`, or indent it"
        }
        Kind::BomInsideDocument => "an invisible character (a byte order mark) is here; delete it",
        Kind::UnexpectedEof => "the document ends in the middle of something",
        Kind::RecursionLimitExceeded => "this nests too deeply",
        _ => "this cannot be read as YAML",
    };
    told.to_string()
}

fn unclosed(open: char) -> String {
    format!("`{open}` is never closed; write {}", closing(open))
}

fn closing(open: char) -> &'static str {
    if open == '[' { "`]` where the list ends" } else { "`}` where the object ends" }
}
