// Writes grid.jsonl: every operator against every JSON type at every kind of place. README.md says
// what the lines mean. Run it with `node grid.mjs > grid.jsonl`.
//
// What is expected is worked out here from the text of the language (policy.md, section 3) and from
// nothing else: this file shares no code and no data with any engine, so that a line on which the
// two differ is a question about the text.

// JSON whose numbers keep their spelling: null, booleans, strings and arrays are JavaScript's own, a
// number is a Num, an object a list of pairs.
class Num { constructor(text) { this.text = text; } }
class Obj { constructor(...pairs) { this.pairs = pairs; } }
const n = (text) => new Num(text);
const o = (...pairs) => new Obj(...pairs);
const ABSENT = Symbol("absent");

function write(value) {
  if (value instanceof Num) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (value instanceof Obj) return `{${value.pairs.map(([k, v]) => `${JSON.stringify(k)}:${write(v)}`).join(",")}}`;
  return JSON.stringify(value);
}

function type(value) {
  if (value === null) return "null";
  if (value instanceof Num) return "number";
  if (Array.isArray(value)) return "array";
  if (value instanceof Obj) return "object";
  return typeof value;
}

// Truth: true, false, or the two ways of being undecided.
const T = "true", F = "false", MISSING = "missing", WRONG = "wrong";
const known = (yes) => (yes ? T : F);
const not = (truth) => ({ [T]: F, [F]: T })[truth] ?? truth;
const undecided = (truths) => (truths.includes(WRONG) ? WRONG : MISSING);
function all(truths) {
  if (truths.includes(F)) return F;
  return truths.every((truth) => truth === T) ? T : undecided(truths);
}
function any(truths) {
  if (truths.includes(T)) return T;
  return truths.every((truth) => truth === F) ? F : undecided(truths);
}

// "Numbers compare as exact decimals, and as the nearest IEEE doubles; where the two differ the
// condition is undecided. A number of over 400 digits, or an exponent beyond ±400, is undecided."
function decimal(text) {
  const [, sign, whole, fraction = "", exponent = "0"] = text.match(/^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/);
  const beyond = BigInt(exponent) > 400n || BigInt(exponent) < -400n;
  if (whole.length + fraction.length > 400 || beyond) return null;
  // At most 400 digits and exponents: a scale of 1000 makes every number whole.
  const scale = 1000n + BigInt(exponent) - BigInt(fraction.length);
  return (sign ? -1n : 1n) * BigInt(whole + fraction) * 10n ** scale;
}
function compare(written, holds) {
  return (than) => {
    const [a, b] = [decimal(written.text), decimal(than.text)];
    if (a === null || b === null) return WRONG;
    const exactly = holds(a < b ? -1 : a > b ? 1 : 0);
    const [x, y] = [Number(written.text), Number(than.text)];
    const asDoubles = holds(x < y ? -1 : x > y ? 1 : 0);
    return exactly === asDoubles ? known(exactly) : WRONG;
  };
}

// "By JSON type and value."
function equal(a, b) {
  if (type(a) !== type(b)) return F;
  if (type(a) === "number") return compare(a, (order) => order === 0)(b);
  if (type(a) === "array") return a.length !== b.length ? F : all(a.map((item, at) => equal(item, b[at])));
  if (type(a) === "object") {
    if (a.pairs.length !== b.pairs.length) return F;
    return all(a.pairs.map(([key, item]) => {
      const other = b.pairs.find(([k]) => k === key);
      return other ? equal(item, other[1]) : F;
    }));
  }
  return known(a === b);
}
// "A value whose JSON type is that of none of the compared values is undecided."
function oneOf(found, list) {
  if (!list.some((item) => type(item) === type(found))) return WRONG;
  return any(list.map((item) => equal(found, item)));
}

const text = (test) => (found, value) => (type(found) === "string" ? known(test(found, value)) : WRONG);
const order = (holds) => (found, value) => (type(found) === "number" ? compare(found, holds)(value) : WRONG);
const pattern = (found, value) => new RegExp(value, "u").test(found);
// For addresses and hosts the grid has a few clear texts; the hard ones are in cases.jsonl.
const listed = (table) => (found) => (type(found) === "string" ? table[found] ?? WRONG : WRONG);

const OPERATORS = {
  eq: [(found, value) => oneOf(found, [value]), ["a", n("1"), true, [n("1")], o(["k", n("1")])]],
  neq: [(found, value) => not(oneOf(found, [value])), ["a", n("1"), false, ["a"], o()]],
  in: [(found, value) => oneOf(found, value), [["a", "1"], [n("1"), n("42")], ["a", n("1"), true, [n("1")], o()]]],
  not_in: [(found, value) => not(oneOf(found, value)), [["a", "1"], [n("1"), n("42")]]],
  lt: [order((it) => it < 0), [n("42")]],
  lte: [order((it) => it <= 0), [n("42")]],
  gt: [order((it) => it > 0), [n("1")]],
  gte: [order((it) => it >= 0), [n("1.0")]],
  exists: [null, [true, false]],
  regex: [text(pattern), ["^a$"]],
  not_regex: [text((found, value) => !pattern(found, value)), ["^a$"]],
  contains: [
    (found, value) => {
      if (type(found) === "array") return any(found.map((item) => equal(item, value)));
      return type(found) === "string" && type(value) === "string" ? known(found.includes(value)) : WRONG;
    },
    ["a", n("1"), [n("1")]],
  ],
  starts_with: [text((found, value) => found.startsWith(value)), ["a"]],
  ends_with: [text((found, value) => found.endsWith(value)), ["a"]],
  length_lte: [
    (found, value) => {
      const most = Number(value.text);
      if (type(found) === "string") return known([...found].length <= most);
      if (type(found) === "array") return known(found.length <= most);
      return type(found) === "object" ? known(found.pairs.length <= most) : WRONG;
    },
    [n("1")],
  ],
  cidr: [listed({ "10.1.2.3": T, "192.0.2.1": F }), [["10.0.0.0/8"]]],
  host_in: [listed({ "https://a.test/": T, "https://b.test/": F }), [["a.test"]]],
};

// What stands at the end of a path: every type, and numbers and texts that are easily mistaken.
const VALUES = [
  ABSENT, null, true, false,
  n("0"), n("-0"), n("1"), n("1.0"), n("10e-1"), n("-1"), n("42"), n("42.00000000000000000001"),
  n("9007199254740993"), n("1e400"), n("-1e400"), n("1e401"), n("1e-401"), n("9".repeat(401)),
  "", "a", "A", "a\n", "ab", "1", "true", "null", "\u{1F600}", "10.1.2.3", "192.0.2.1", "https://a.test/", "https://b.test/",
  [], [n("1")], [n("1.0"), "a"], ["a"], [null], [[n("1")]], [n("1.00000000000000000001")],
  o(), o(["k", n("1")]), o(["k", n("1.0")]), o(["K", n("1")]), o(["a", n("1")], ["b", "a"]),
];
// At the longer paths a few are enough: what operators do with them is settled above.
const FEW = [ABSENT, null, "a", n("1"), true, [n("1")], o(["k", n("1")])];

const loose = (key) => key.normalize("NFKC").split("\0")[0].toLowerCase().trim().replace(/[_-]/g, "");

// What stands at a path: a list of ends where the path has [*], else one. An end is a value, ABSENT
// or WRONG.
function follow(here, steps) {
  if (here === ABSENT || here === null) return ABSENT;
  if (steps.length === 0) return here;
  const [step, ...rest] = steps;
  if (step === "*") {
    if (type(here) !== "array") return WRONG;
    return here.length === 0 ? ABSENT : here.map((item) => follow(item, rest));
  }
  if (typeof step === "number") return type(here) === "array" ? follow(here[step] ?? ABSENT, rest) : WRONG;
  if (type(here) !== "object") return WRONG;
  // "A key that is not the segment but equals it after NFKC, case folding, trimming, dropping _ and
  // -, or a cut at NUL."
  if (here.pairs.some(([key]) => key !== step && loose(key) === loose(step))) return WRONG;
  const found = here.pairs.find(([key]) => key === step);
  return follow(found ? found[1] : ABSENT, rest);
}

function truth(op, value, end, join) {
  if (Array.isArray(end) && end.ends) return join(end.map((each) => truth(op, value, each, join)));
  if (end === WRONG) return WRONG;
  if (op === "exists") return known((end !== ABSENT) === value);
  return end === ABSENT ? MISSING : OPERATORS[op][0](end, value);
}

function line(path, steps, op, value, args) {
  // Ends of [*] are told from an array that stands at a path by a mark.
  const mark = (end, rest) => {
    const at = rest.indexOf("*");
    if (at < 0 || !Array.isArray(end)) return end;
    const ends = end.map((each) => mark(each, rest.slice(at + 1)));
    ends.ends = true;
    return ends;
  };
  const end = mark(follow(args, steps), steps);
  const verdict = (passes) => (passes ? "pass" : "refuse");
  const [required, denied] = [truth(op, value, end, all), truth(op, value, end, any)];
  const fields = [
    ["path", JSON.stringify(path)], ["op", JSON.stringify(op)], ["value", write(value)],
    ...(args === ABSENT ? [] : [["args", write(args)]]),
    ["require", JSON.stringify(verdict(required === T))],
    ["deny_if", JSON.stringify(verdict(denied === F))],
    ["deny_if_missing_pass", JSON.stringify(verdict(denied === F || denied === MISSING))],
  ];
  return `{${fields.map(([key, json]) => `"${key}":${json}`).join(",")}}`;
}

const lines = new Set();
const member = (key, value) => (value === ABSENT ? o() : o([key, value]));
for (const [op, [, values]] of Object.entries(OPERATORS)) {
  for (const value of values) {
    const add = (path, steps, args) => lines.add(line(path, steps, op, value, args));
    add("args.x", ["x"], ABSENT);
    for (const found of VALUES) add("args.x", ["x"], member("x", found));
  }
  const value = values[0];
  const add = (path, steps, args) => lines.add(line(path, steps, op, value, args));
  const good = { cidr: "10.1.2.3", host_in: "https://a.test/", lt: n("1"), lte: n("1"), gt: n("42"), gte: n("42") }[op] ?? "a";
  const bad = { cidr: "192.0.2.1", host_in: "https://b.test/", lt: n("100"), lte: n("100"), gt: n("0"), gte: n("0") }[op] ?? "bb";
  // A step on the way: absent, null, every wrong type, and right.
  for (const way of [...FEW, member("y", good), member("y", bad), o(["y", null])]) add("args.x.y", ["x", "y"], member("x", way));
  // Keys that another reader might take for the one meant: beside it, in its place, and on the way.
  for (const other of ["X", "x_", "-x", " x ", "ｘ", "x\0y"]) {
    add("args.x", ["x"], o(["x", good], [other, good]));
    add("args.x", ["x"], o([other, good]));
    add("args.x.y", ["x", "y"], o(["x", o(["y", good])], [other, o(["y", good])]));
  }
  add("args.x", ["x"], o(["x", good], ["xy", good], ["x y", good], ["", good]));
  // An index, and what is no array.
  for (const found of [...FEW, [], [good], [bad, good], [null]]) add("args.x[0]", ["x", 0], member("x", found));
  // Each element.
  for (const found of [...FEW, [], [good], [good, good], [good, bad], [bad, bad], [good, null], [bad, null], [null, null],
    [good, o()], [bad, o()], [null, o()], [good, bad, null, o()]]) add("args.x[*]", ["x", "*"], member("x", found));
  const y = (value) => o(["y", value]);
  for (const found of [[y(good), y(bad)], [y(bad), o()], [y(good), o()], [y(good), good], [y(bad), good], [o(), good], [y(good), o(["Y", good])]]) {
    add("args.x[*].y", ["x", "*", "y"], member("x", found));
  }
  for (const found of [[[good], [good]], [[good], [bad]], [[bad], []], [[good], []], [[bad], good], [[]]]) {
    add("args.x[*][*]", ["x", "*", "*"], member("x", found));
  }
}
process.stdout.write(`${[...lines].join("\n")}\n`);
