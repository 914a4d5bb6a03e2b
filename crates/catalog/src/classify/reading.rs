//! What a tool says of itself, as groups of words: the verb, what it is done to, and the rest.

use domain::tools::ToolClass;

use super::{
    Subject,
    lexicon::{Groups, Lexicon, stems},
    schema,
};
use crate::words::words;

/// How many words of a name, and of a description, are looked at.
const NAME_WORDS: usize = 40;
const DESCRIPTION_WORDS: usize = 120;
/// How far into a description its first verb is looked for.
const LEAD_WORDS: usize = 14;
/// How long a heading is that names the tool again.
const HEADING_BYTES: usize = 120;

/// A tool as the rules see it.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The groups of the name's verb.
    pub(super) verb: Groups,
    /// The verb itself.
    pub(super) verb_word: Option<String>,
    /// Whether the verb could as well be a noun where it stands.
    pub(super) doubtful: bool,
    /// Whether it stands amid other words then, where it is hardly ever a verb.
    pub(super) amid: bool,
    /// The groups of the name's other words.
    pub(super) object: Groups,
    /// The groups of all words of the name.
    pub(super) name: Groups,
    /// The groups of the last word of the name.
    pub(super) last: Groups,
    /// Whether every word of the name is known.
    pub(super) known: bool,
    /// Whether the last word looks like a plural.
    pub(super) plural: bool,
    /// Whether the last word is unknown and ends as nouns do.
    pub(super) noun: bool,
    /// The groups of the description's first verb.
    pub(super) lead: Groups,
    /// That verb.
    pub(super) lead_word: Option<String>,
    /// The groups of all words of the description.
    pub(super) says: Groups,
    /// The groups of the arguments.
    pub(super) args: Groups,
    /// The verbs that the tool offers under an argument such as `action`.
    pub(super) actions: Groups,
}

struct Token {
    groups: Groups,
    inflected: bool,
}

fn tokens(words: &[String], lexicon: &Lexicon) -> Vec<Token> {
    let token = |at| {
        let (groups, inflected) = lexicon.look_up(&words[at..]);
        Token { groups, inflected }
    };
    (0..words.len()).map(token).collect()
}

impl Reading {
    pub(super) fn new(subject: &Subject<'_>, lexicon: &Lexicon) -> Self {
        let mut reading = Self::default();
        if let Some(description) = subject.description {
            reading.read_description(description, lexicon);
        }
        reading.read_name(subject.name, lexicon);
        let actions = lexicon.group("actions_arg").unwrap_or_default();
        for name in &subject.args {
            reading.args = reading.args.with(lexicon.argument(name));
        }
        for (name, property) in subject.schema.into_iter().flat_map(schema::properties) {
            let groups = lexicon.argument(name);
            reading.args = reading.args.with(groups);
            if groups.meets(actions) {
                let offered = schema::choices(property).map(|text| verbs_of(text, lexicon));
                reading.actions = offered.fold(reading.actions, Groups::with);
            }
        }
        let vague = lexicon.group("v_manage").unwrap_or_default();
        let manages = match reading.verb == lexicon.none {
            true => reading.lead.meets(vague),
            false => reading.verb.meets(vague),
        };
        if reading.args.meets(actions) || manages {
            let said = subject.description.map(|text| verbs_of(text, lexicon));
            reading.actions = reading.actions.with(said.unwrap_or_default());
        }
        reading
    }

    fn read_name(&mut self, name: &str, lexicon: &Lexicon) {
        let mut words = words(name);
        words.truncate(NAME_WORDS);
        // `delete_style_tool` is no other tool than `delete_style`, but `delete_tool` is.
        let verb = |word| {
            let (groups, _) = lexicon.look_up(std::slice::from_ref(word));
            groups.meets(lexicon.verbs)
        };
        if let [first, .., last] = words.as_slice()
            && last == "tool"
            && (words.len() > 2 || !verb(first))
        {
            words.pop();
        }
        let mut tokens = tokens(&words, lexicon);
        // Of `drive.v1.file.get` the last part says what it does.
        let last_part = name.rsplit(['.', '/', ':']).next().unwrap_or(name);
        let part = crate::words::words(last_part).len().min(tokens.len());
        let from = tokens.len() - part;
        let verb = verb_in(&tokens[from..], lexicon)
            .map(|(at, doubtful)| (from + at, doubtful))
            .or_else(|| verb_in(&tokens, lexicon));
        // Of `block__getblockcountdown` it is the word within the word.
        let glued = |word: &String| !lexicon.glued(word).is_empty();
        let within = words.iter().position(glued);
        let unsure = verb.is_none_or(|(at, _)| {
            let groups = tokens[at].groups;
            let mild = lexicon.class_of(groups) <= Some(ToolClass::Write);
            mild && groups.meets(lexicon.noun_too)
        });
        let verb = match within.filter(|_| unsure) {
            Some(at) => {
                tokens[at].groups = lexicon.glued(&words[at]);
                Some((at, false))
            }
            None => verb,
        };
        let told = self.told_verb(&words, &tokens, verb, lexicon);
        let verb = match told.or_else(|| self.plain_verb(&tokens, verb, lexicon)) {
            Some(at) => Some((at, false)),
            None => verb,
        };
        for (at, token) in tokens.iter().enumerate() {
            self.name = self.name.with(token.groups);
            if verb.is_none_or(|(verb, _)| verb != at) {
                self.object = self.object.with(token.groups);
            }
        }
        // What `recording` ends with is no record.
        let ends = words.last().is_some_and(|word| word.ends_with("ing"));
        let last = tokens.last().filter(|last| !(ends && last.inflected));
        self.last = last.map_or(Groups::NONE, |last| last.groups);
        self.plural = words
            .last()
            .is_some_and(|word| word.len() > 3 && word.ends_with('s') && !word.ends_with("ss"));
        self.noun = self.last.is_empty()
            && words
                .last()
                .is_some_and(|word| lexicon.looks_like_noun(word));
        self.verb = lexicon.none;
        self.known = tokens.iter().all(|token| !token.groups.is_empty());
        if let Some((at, doubtful)) = verb {
            self.verb = tokens[at].groups;
            // `get_or_create`, `list_users_and_delete_them`: both.
            for (other, token) in tokens.iter().enumerate().skip(at + 2) {
                let joined = matches!(words[other - 1].as_str(), "or" | "and");
                let clear = token.groups.without(lexicon.noun_too).meets(lexicon.verbs);
                let next = other == at + 2 && token.groups.meets(lexicon.verbs);
                if joined && !token.inflected && (clear || next) {
                    self.verb = self.verb.with(token.groups);
                }
            }
            self.doubtful = doubtful;
            let told = self.lead_word.as_deref() == Some(&words[at]);
            self.amid = doubtful && !told && (1..tokens.len() - 1).contains(&at);
            self.verb_word = Some(words.swap_remove(at));
        }
    }

    /// `check_point_remove_rule`, of which the description says that it removes a rule: the verb is the
    /// one that both say. But no description takes the harm out of a name.
    fn told_verb(
        &self,
        words: &[String],
        tokens: &[Token],
        named: Option<(usize, bool)>,
        lexicon: &Lexicon,
    ) -> Option<usize> {
        let (first, _) = named?;
        let lead = self.lead_word.as_deref()?;
        let said = |at: usize| {
            let word = words[at].as_str();
            tokens[at].groups.meets(lexicon.verbs)
                && (word == lead || stems(lead).any(|it| it == word))
        };
        let at = (0..words.len()).find(|&at| said(at))?;
        let now = lexicon.class_of(tokens[first].groups);
        let milder = lexicon.class_of(tokens[at].groups) < now;
        let believed =
            now == Some(ToolClass::Write) || tokens[first].groups.meets(lexicon.noun_too);
        (!said(first) && (!milder || believed)).then_some(at)
    }

    /// `fire_eye_get_alert`, of which the description says that it returns one: the plain verb, where the
    /// first word may be a noun and the description does the same as the plain verb.
    fn plain_verb(
        &self,
        tokens: &[Token],
        named: Option<(usize, bool)>,
        lexicon: &Lexicon,
    ) -> Option<usize> {
        let (first, _) = named?;
        let groups = tokens[first].groups;
        let noun = groups.meets(lexicon.noun_too) && !groups.meets(lexicon.openers);
        let told = lexicon.class_of(self.lead);
        let plain = |token: &Token| {
            let plain = !token.inflected && token.groups.meets(lexicon.plain_verbs);
            plain && lexicon.class_of(token.groups) == told
        };
        let at = tokens.iter().skip(first + 1).position(plain)?;
        noun.then_some(first + 1 + at)
    }

    fn read_description(&mut self, description: &str, lexicon: &Lexicon) {
        let mut words = words(without_heading(description));
        words.truncate(DESCRIPTION_WORDS);
        let tokens = tokens(&words, lexicon);
        self.says = tokens.iter().map(|token| token.groups).collect();
        // Later in a sentence a word that may be a noun is a verb only after such as `to`, and one that
        // says little is asked last.
        let vague = lexicon.noun_too.with(lexicon.soft);
        let from = announced(&words);
        let verbs = || {
            let all = tokens.iter().take(LEAD_WORDS).enumerate();
            let helps = |token: &Token| token.inflected && token.groups.meets(lexicon.helpers);
            all.skip(from)
                .filter(move |(_, token)| token.groups.meets(lexicon.verbs) && !helps(token))
                .filter(|&(at, _)| words[at] != "to")
        };
        let leads = |&(at, token): &(usize, &Token)| {
            at == from || !token.groups.meets(vague) || goes_before_a_verb(&words[at - 1])
        };
        let lead = verbs().find(leads).or_else(|| {
            verbs().find(|(_, token)| token.inflected && token.groups.meets(lexicon.soft))
        });
        if let Some((at, token)) = lead {
            // `Create, update and delete`: all of them. `Fetch swap events`: the first alone.
            let joint = |at: usize| matches!(words[at].as_str(), "and" | "or");
            let end = (at + 1..words.len())
                .find(|&at| !joint(at) && !tokens[at].groups.meets(lexicon.verbs.without(vague)))
                .unwrap_or(words.len());
            let run = at + 1..end;
            let several = run.len() > 2 || run.clone().any(joint);
            let more = run.filter(|_| several);
            self.lead = more.fold(token.groups, |all, at| all.with(tokens[at].groups));
            self.lead_word = Some(words.swap_remove(at));
        } else if let Some((verb, groups)) = lexicon.within(beginning(description)) {
            self.lead = groups;
            self.lead_word = Some(verb.to_owned());
        }
    }
}

/// `[Deprecated] Starts it` without what stands in brackets, `Name: a Description: Starts it` without the name.
fn without_heading(description: &str) -> &str {
    if let Some((head, rest)) = description.split_once("Description:")
        && head.len() <= HEADING_BYTES
        && head.to_ascii_lowercase().contains("name:")
    {
        return rest;
    }
    let headed = description.trim_start().strip_prefix('[');
    headed
        .and_then(|rest| rest.split_once(']'))
        .map_or(description, |(_, rest)| rest)
}

/// As much of a text as is looked at where it is not written in words; nothing of one in plain letters.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(DESCRIPTION_WORDS);
    let beginning = end.map_or(text, |(end, _)| &text[..end]);
    if beginning.is_ascii() { "" } else { beginning }
}

/// How far after `use` the `to` may stand that tells what for.
const ANNOUNCING_WORDS: usize = 7;

/// Of `Use the delete action to stop it`, how many words only announce what it does.
fn announced(words: &[String]) -> usize {
    let begin = words.get(..words.len().min(ANNOUNCING_WORDS));
    let to = || begin?.iter().position(|word| word == "to");
    match words.first().map(String::as_str) {
        Some("use" | "uses") => to().map_or(0, |at| at + 1),
        _ => 0,
    }
}

/// Whether what follows is a verb even where it could be a noun.
fn goes_before_a_verb(word: &str) -> bool {
    matches!(word, "to" | "will" | "can" | "tool" | "endpoint") || word.ends_with("ly")
}

/// The groups of all verbs of a text.
fn verbs_of(text: &str, lexicon: &Lexicon) -> Groups {
    let mut words = words(text);
    words.truncate(DESCRIPTION_WORDS);
    let groups = tokens(&words, lexicon)
        .into_iter()
        .map(|token| token.groups);
    let verbs = groups.map(
        |groups| match groups.without(lexicon.noun_too).meets(lexicon.verbs) {
            true => groups,
            false => Groups::NONE,
        },
    );
    verbs.collect()
}

/// Where the verb of a name stands, and whether it could be a noun there.
fn verb_in(tokens: &[Token], lexicon: &Lexicon) -> Option<(usize, bool)> {
    let is = |token: &Token, verbs: Groups| !token.inflected && token.groups.meets(verbs);
    let verbs = lexicon.verbs.without(lexicon.last_resort);
    let verb = |token: &Token| is(token, verbs);
    let clear = |token: &Token| is(token, verbs.without(lexicon.noun_too));
    let last = tokens.len().checked_sub(1)?;
    let first_clear = tokens.iter().position(clear);
    // `task_create` and `log_archive` begin with a noun, `search_ads_archive` does not.
    let noun_first = |at: usize| {
        let harms = || lexicon.class_of(tokens[at].groups) >= Some(ToolClass::Execute);
        let plain = tokens[at].groups.meets(lexicon.plain_verbs);
        // `profile_update_avatar` too, and `benchmark_email_delete_list`, which is of a firm's name.
        let mild = lexicon.class_of(tokens[0].groups) <= Some(ToolClass::Write);
        let noun = tokens[0].groups.meets(lexicon.noun_too) && mild;
        at > 0 && (plain && noun || at == last && (last == 1 || plain || harms()))
    };
    // `quiz_add_question`: the first word says little, and may well be a noun.
    let first = tokens[0].groups;
    if first.meets(lexicon.noun_too)
        && first.meets(lexicon.soft)
        && let Some(at) = first_clear
        && !tokens[at].groups.meets(lexicon.soft)
    {
        return Some((at, false));
    }
    let opens = tokens[0].groups.meets(lexicon.openers);
    if verb(&tokens[0]) && (opens || !first_clear.is_some_and(noun_first)) {
        return Some((0, false));
    }
    if let Some(at) = first_clear {
        return Some((at, false));
    }
    let doubtful = match verb(&tokens[last]) {
        true => Some(last),
        false => tokens.iter().position(verb),
    };
    let interface = |token: &Token| is(token, lexicon.last_resort);
    // `BETA_DELETES_AN_API_KEY`, where nothing else is a verb: a noun would be one that may be a verb.
    let third = |token: &Token| {
        token.inflected && token.groups.without(lexicon.noun_too).meets(lexicon.verbs)
    };
    let interface = || tokens.iter().position(interface);
    let at = doubtful
        .or_else(interface)
        .or_else(|| tokens.iter().position(third))?;
    Some((at, true))
}
