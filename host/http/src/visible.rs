//! Texts of others on our pages.

use maud::{Markup, html};

/// A text that a step or a caller wrote, as part of a page: it orders nothing but itself, and
/// nothing in it is hidden. Characters that change the order of others, that show nothing or
/// that control a device become `\u{fffd}`: "ship to \u{202e}secilA" is not to be read as
/// something else than what the workflow then does.
pub(crate) fn visible(text: &str) -> Markup {
    let plain = text.replace(is_sly, "\u{fffd}");
    html! { bdi { (plain) } }
}

/// After Unicode's `Bidi_Control` and `Default_Ignorable_Code_Point`, without what scripts and
/// emoji are spelled with: the joiners (200C, 200D) and variation selectors.
fn is_sly(c: char) -> bool {
    let breaks_lines = matches!(c, '\n' | '\r' | '\t');
    (c.is_control() && !breaks_lines) || reorders(c) || shows_nothing(c)
}

fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

fn shows_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2065}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_hides_or_reorders_it() {
        for sly in [
            0x0, 0x7, 0x1b, 0x7f, 0x85, 0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x202a, 0x202b,
            0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0x3164, 0xfeff,
            0xe0041,
        ] {
            let sly = char::from_u32(sly).unwrap();
            let page = visible(&format!("a{sly}b")).into_string();
            assert_eq!(page, "<bdi>a\u{fffd}b</bdi>", "{sly:?}");
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "two\nlines\tand a tab",
            "h\u{e9}llo \u{2013} \u{201c}quoted\u{201d}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            // Persian and emoji are spelled with joiners.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{1f469}\u{200d}\u{1f4bb} \u{2764}\u{fe0f}",
        ] {
            assert_eq!(visible(text).into_string(), format!("<bdi>{text}</bdi>"));
        }
    }

    #[test]
    fn it_is_text_and_no_markup() {
        assert_eq!(visible("</bdi><b>").into_string(), "<bdi>&lt;/bdi&gt;&lt;b&gt;</bdi>");
    }
}
