//! Folds texts, so that spelling does not matter: case, accents, punctuation, widths.

/// The words of a text, folded: lower case, without accents, punctuation, signs and numbers.
/// "L’Été (3) – Cookie-Einstellungen" gives `l`, `ete`, `cookie`, `einstellungen`.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        if !letter.is_alphanumeric() {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            // Upper case first: it folds what lower case leaves apart (ß, ς, ı, ligatures).
            let letter = narrow(letter);
            for lower in letter.to_uppercase().flat_map(char::to_lowercase) {
                fold_into(word, lower);
            }
        }
    }
    words.retain(|word| !word.chars().all(char::is_numeric));
    words
}

/// Marks that change how letters look or break, and accents that stand apart from their letter.
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || is_mark(letter)
}

/// Points and marks of scripts outside of Europe, which writers may leave out: Hebrew, Arabic, the
/// scripts of India, Thai, Japanese.
fn is_mark(letter: char) -> bool {
    const FIRST_OF_INDIA: u32 = 0x900;
    const LETTERS_OF_A_SCRIPT: u32 = 0x80;
    match letter {
        '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'
        | '\u{5c2}'
        | '\u{5c4}'
        | '\u{5c5}'
        | '\u{5c7}'
        | '\u{640}'
        | '\u{64b}'..='\u{652}'
        | '\u{670}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{3099}'
        | '\u{309a}' => true,
        // Nukta and virama stand at the same place in every one of these scripts.
        '\u{900}'..='\u{d7f}' => {
            let place = (letter as u32 - FIRST_OF_INDIA) % LETTERS_OF_A_SCRIPT;
            matches!(place, 0x3c | 0x4d)
        }
        _ => false,
    }
}

/// Full-width Latin letters as ordinary ones.
fn narrow(letter: char) -> char {
    const FULL_WIDTH_OFFSET: u32 = 0xfee0;
    match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(letter as u32 - FULL_WIDTH_OFFSET).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// Appends a lower-case letter without its accent. Capitals often lose theirs (Greek always), so
/// accents cannot tell words apart here.
fn fold_into(word: &mut String, letter: char) {
    let plain = match letter {
        letter if is_invisible(letter) => return,
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ª' | 'ạ' | 'ả' | 'ấ'..='ặ' => {
            'a'
        }
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'º' | 'ơ' | 'ọ'..='ợ' => {
            'o'
        }
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => {
            'u'
        }
        'ŵ' | 'ẁ' | 'ẃ' | 'ẅ' => 'w',
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'й' => 'и',
        'ї' => 'і',
        'ў' => 'у',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ة' => 'ه',
        'ى' | 'ی' | 'ئ' => 'ي',
        'ؤ' => 'و',
        'ک' => 'ك',
        'ß' | 'æ' | 'œ' | 'þ' => {
            word.push_str(match letter {
                'ß' => "ss",
                'æ' => "ae",
                'œ' => "oe",
                _ => "th",
            });
            return;
        }
        other => other,
    };
    word.push(plain);
}

/// A letter of a phrase as a pattern that needs no flag to ignore case.
pub(super) fn pattern_of(letter: char) -> String {
    match letter {
        ' ' => return r"\s+".to_owned(),
        '-' => return "-?".to_owned(),
        _ if !letter.is_alphabetic() => return r"\s?".to_owned(),
        _ => {}
    }
    let mut variants = vec![letter];
    if matches!(letter, 'ͱ'..='Ͽ') {
        // Greek capitals lose their accents. Elsewhere an accent tells words apart (süti, sutil).
        let mut plain = String::new();
        fold_into(&mut plain, letter);
        variants.extend(plain.chars());
    }
    let capitals: Vec<char> = variants
        .iter()
        .filter(|variant| variant.to_uppercase().count() == 1)
        .flat_map(|variant| variant.to_uppercase())
        .collect();
    variants.extend(capitals);
    if letter == 'i' {
        // The capital of Turkish.
        variants.push('İ');
    }
    variants.sort_unstable();
    variants.dedup();
    let variants: String = variants.into_iter().collect();
    format!("[{variants}]")
}
