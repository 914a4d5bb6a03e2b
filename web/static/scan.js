// Takes everything that may be secret out of a client's configuration before it leaves the browser.
// What is kept is a list of what may be kept: names, packages, addresses without their query, the
// bare names of programs. The server reads by the same rules (crates/catalog/src/stack).
"use strict";

(() => {
  const BYTES_MAX = 4 << 20;
  const DEPTH_MAX = 64;
  const SERVERS_MAX = 100;
  const PREFIXES = ["sk-", "sk_", "pk_", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox",
    "xapp-", "AKIA", "ASIA", "eyJ", "AIza", "ya29.", "tg_", "npm_", "pypi-", "hf_", "lin_", "ntn_", "secret_", "dop_v1_",
    "SG.", "key-", "whsec_", "shpat_", "sbp_", "figd_", "CCIPAT", "ATATT", "dckr_pat_", "pat-", "r8_", "gsk_", "tvly-",
    "-----BEGIN"];
  const DOUBTFUL = ["sk-", "sk_", "npm_", "pypi-", "lin_", "secret_", "key-", "pat-"];
  const SENSITIVE = /token|key|secret|passw|pwd|auth|credential|cookie|_pat|dsn|private|bearer|connection/i;

  const kind = (c) => (c >= "0" && c <= "9" ? 0 : c >= "a" && c <= "z" ? 1 : 2);
  function dense(run) {
    let digits = 0, turns = 0;
    for (let at = 0; at < run.length; at += 1) {
      digits += kind(run[at]) === 0;
      turns += at > 0 && kind(run[at]) !== kind(run[at - 1]);
    }
    const n = run.length;
    return (n >= 16 && digits > 0 && turns >= 5) || (n >= 20 && turns * 100 > n * 42) || (n >= 20 && digits === n)
      || (n >= 24 && /^[0-9a-fA-F]+$/.test(run));
  }
  const begins = (text) => PREFIXES.some((prefix) => text.startsWith(prefix) && text.length >= prefix.length + 8
    && (!DOUBTFUL.includes(prefix) || /[0-9]/.test(text.slice(prefix.length))));
  function isKey(piece) {
    for (let at = 0; at < piece.length; at += 1) {
      if ((at === 0 || !/[0-9A-Za-z]/.test(piece[at - 1])) && begins(piece.slice(at, at + 400))) return true;
    }
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(piece) || piece.split(/[^0-9A-Za-z]/).some(dense);
  }
  const looksSecret = (text) => text.split(/[ \t\n\f\r=:,"'/?&@;|<>()[\]{}\\]/).some(isKey);
  function isReference(value) {
    let text = value.trim();
    if (text.startsWith("Bearer ")) text = text.slice(7).trim();
    return text === "" || /^\$\{[^]*\}$/.test(text) || /^\{(env|file):[^]*\}$/.test(text) || /^<[^]*>$/.test(text)
      || /^%[^]+%$/.test(text) || /^\$[0-9A-Za-z_]+$/.test(text);
  }

  // Words, numbers, and words with a short number at their end: a link that is itself the key has others.
  const isWord = (segment) => segment.replace(/^@/, "").split(/[-._~]/)
    .every((part) => /^(?:[A-Za-z]{0,24}|[0-9]{1,8}|[a-z]{0,24}[0-9]{1,3})$/.test(part));
  // `postgresql://user:pass@host/db`
  function hasPassword(text) {
    const at = text.indexOf("://");
    const end = text.lastIndexOf("@");
    if (at < 0 || end < at + 3) return false;
    const user = text.slice(at + 3, end);
    const colon = user.indexOf(":");
    return colon >= 0 && colon < user.length - 1 && !isReference(user.slice(colon + 1));
  }

  // An address without user, query, fragment, and what looks like a key in its path.
  function clean(text) {
    const scheme = /^https?:\/\//i.exec(text.trim());
    if (!scheme) return [null, 0];
    const rest = text.trim().slice(scheme[0].length);
    const end = rest.search(/[?#]/);
    const query = end < 0 ? "" : rest.slice(end);
    const values = query.slice(1).split("&").filter((pair) => pair.includes("="));
    let removed = Number(values.some((pair) => !isReference(pair.slice(pair.indexOf("=") + 1))));
    const [authority, ...path] = (end < 0 ? rest : rest.slice(0, end)).split("/");
    const at = authority.lastIndexOf("@");
    if (at >= 0) removed += 1;
    const host = authority.slice(at + 1);
    // A password may hold a slash or a question mark, and then it stands where the port and the path are.
    if (host.includes(":") && query.includes("@")) return [null, removed + 1];
    const port = /^(?:\[[^]*\]|[^[\]]*):([^:]*)$/.exec(host);
    if ((port && !/^[0-9]+$/.test(port[1])) || path.some((segment) => segment.indexOf("@") > 0)) return [null, removed + 1];
    if (!/^[0-9A-Za-z\-._:[\]]{1,253}$/.test(host)) return [null, removed];
    if (looksSecret(host)) return [null, removed + 1];
    const kept = path.map((segment, nth) => {
      const own = /^srv_[0-9a-fA-F]{32}$/.test(segment);
      const word = own || (isWord(segment) && !looksSecret(segment));
      if (word && segment.length <= 64 && !(nth > 0 && SENSITIVE.test(path[nth - 1]))) return segment;
      removed += Number(!isReference(segment) && segment !== "removed");
      return "removed";
    });
    const url = [scheme[0].toLowerCase() + host.toLowerCase(), ...kept].join("/");
    return [url.length <= 512 ? url : null, removed];
  }

  const isName = (name) => /^[0-9A-Za-z][0-9A-Za-z\-._]*$/.test(name);
  const isVersion = (version) => /^[0-9A-Za-z\-._+^~*]{1,64}$/.test(version) && !looksSecret(version);
  const made = (registry, name, version) => (name.length > 214 || looksSecret(name) ? null
    : { package: `${registry}:${name}`, version: version && isVersion(version) ? version : undefined });
  function source(spec) {
    const given = spec.startsWith("github:") ? `https://github.com/${spec.slice(7)}` : /^git\+(.*)$/.exec(spec)?.[1];
    const url = given && clean(given)[0];
    const parts = /^https:\/\/([^/]+)\/([^/]+)\/([^/@]+)/.exec(url ?? "");
    return parts && { source: `https://${parts[1]}/${parts[2]}/${parts[3].replace(/\.git$/, "")}` };
  }
  function npm(spec) {
    const from = source(spec);
    if (from) return from;
    const parts = /^(?:npm:)?(@[^@/]+\/[^@/]+|[^@/]+)(?:@(.*))?$/.exec(spec);
    return parts && parts[1].replace(/^@/, "").split("/").every(isName) ? made("npm", parts[1], parts[2]) : null;
  }
  function pypi(spec) {
    const from = source(spec);
    if (from) return from;
    const parts = /^(?:pypi:)?([0-9A-Za-z][0-9A-Za-z._-]*)(?:\[[^\]]*\])?(?:[=@><~! ]+(.*))?$/.exec(spec);
    return parts && made("pypi", parts[1].toLowerCase().replace(/[_.]/g, "-"), parts[2]);
  }
  function oci(spec) {
    const parts = /^(?:oci:)?(?:docker\.io\/)?((?:[^/@]+\/)*[^/:@]+)(?::([^/@]*))?(?:@.*)?$/.exec(spec);
    return parts && parts[1].split("/").every((part) => /^[a-z0-9\-._:]+$/.test(part)) ? made("oci", parts[1], parts[2]) : null;
  }
  const packaged = (spec) => ({ npm, pypi, oci })[spec.split(":")[0]]?.(spec) ?? null;

  const ALONE = ["--legacy-peer-deps", "--reinstall", "--force", "-y", "--yes", "-q", "--quiet", "--silent", "--prefer-offline", "--prefer-online", "--offline",
    "--no-install", "--ignore-existing", "--bun", "--refresh", "--isolated", "--native-tls", "--verbose", "-v", "-A",
    "--allow-all", "--", "-s", "--system"];
  const ALONE_IMAGE = ["-i", "-t", "-it", "-ti", "-d", "-dit", "-P", "--publish-all", "--rm", "--init", "--interactive", "--tty", "--privileged",
    "--read-only", "--detach"];
  const VALUED = ["-e", "--env", "--env-file", "-v", "--volume", "--mount", "--name", "--network", "-p", "--publish", "-u",
    "--user", "-w", "--workdir", "--entrypoint", "--platform", "--pull", "--add-host", "--with", "--python", "--index-url",
    "--extra-index-url", "--registry", "--cache"];
  const RUNNERS = ["npx", "bunx", "pnpx", "pnpm", "npm", "yarn", "bun", "deno", "node", "uvx", "uv", "pipx", "python",
    "python3", "docker", "podman", "cmd", "sh", "bash", "env"];
  const BRIDGES = ["npm:mcp-remote", "npm:supergateway", "npm:mcp-proxy",
    "npm:@pyroprompts/mcp-stdio-to-streamable-http-adapter", "pypi:mcp-proxy", "pypi:mcp-remote"];

  function nameOf(word) {
    const name = word.trim().split(/[/\\]/).pop().replace(/\.(exe|cmd|bat|ps1)$/, "");
    return /^[0-9A-Za-z\-._+]{1,64}$/.test(name) && !looksSecret(name) ? name : undefined;
  }
  const isRunner = (word) => RUNNERS.includes(nameOf(word));
  // What stands behind the last slash of a line or of an assignment may be a key; of a folder with a space in its
  // name only what starts servers is kept.
  function bare(word) {
    const name = /=|:\/\//.test(word) ? undefined : nameOf(word);
    return name !== undefined && (!/\s/.test(word.trim()) || isRunner(name)) ? name : undefined;
  }
  // Whether a program is a whole command line, and not a path with a space in it.
  const isLine = (program) => /\s/.test(program.trim()) && (!/[\\/]/.test(program) || isRunner(split(program)[0] ?? ""));
  function split(line) {
    const words = [];
    let word = "", quote = null, any = false;
    for (const c of line) {
      if (quote) { if (c === quote) quote = null; else word += c; }
      else if (c === '"' || c === "'") { quote = c; any = true; }
      else if (/\s/.test(c)) { if (any || word) words.push(word); word = ""; any = false; }
      else word += c;
    }
    if (any || word) words.push(word);
    return words.slice(0, 200);
  }
  // What is a command line itself, a whole one as the program or what a shell is told to run, is taken apart.
  const whole = (words) => words
    .flatMap((word) => (/\s/.test(word.trim()) && !word.includes(": ") ? split(word) : [word])).slice(0, 200);
  // A value must never be taken for a package, so an unknown flag is taken to have one; and since it may have
  // swallowed the package, there is none then.
  function named(words, flags, subcommands, alone = ALONE) {
    let doubtful = false;
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at];
      if (!word.startsWith("-")) {
        if (subcommands.includes(word)) continue;
        return doubtful ? undefined : word;
      }
      const equals = word.indexOf("=");
      const flag = equals < 0 ? word : word.slice(0, equals);
      if (flags.includes(flag)) return equals < 0 ? words[at + 1] : word.slice(equals + 1);
      const single = alone.includes(flag) || flag.startsWith("--allow-") || flag.startsWith("--no-");
      if (equals < 0 && !single && at + 1 < words.length && !words[at + 1].startsWith("-")) {
        at += 1;
        doubtful ||= !VALUED.includes(flag);
      }
    }
    return undefined;
  }
  function inside(program, rest) {
    const after = (flags) => {
      const at = rest.findIndex((word) => flags.includes(word.toLowerCase()));
      return at < 0 ? null : rest.slice(at + 1);
    };
    if (program === "cmd") return after(["/c", "/k"]);
    if (["sh", "bash", "zsh"].includes(program)) {
      const words = after(["-c", "-lc", "-ic"]);
      return words && words.length ? split(words[0]) : words;
    }
    if (["wsl", "sudo", "exec", "nohup"].includes(program)) return rest;
    if (program === "env") {
      const at = rest.findIndex((word) => !word.includes("=") && !word.startsWith("-"));
      return at < 0 ? null : rest.slice(at);
    }
    const runs = ["op", "doppler", "infisical", "dotenv", "dotenvx", "mise", "aws-vault", "claude", "codex", "gemini"];
    return runs.includes(program) ? after(["--"]) : null;
  }
  function from(program, rest) {
    const of = (read, spec) => (spec === undefined ? null : read(spec));
    switch (program) {
      case "npx": case "bunx": case "pnpx": return of(npm, named(rest, ["-p", "--package"], []));
      case "npm": case "pnpm": case "yarn": case "bun":
        return ["exec", "x", "dlx"].includes(rest[0]) ? of(npm, named(rest.slice(1), ["-p", "--package"], [])) : null;
      case "deno": {
        const spec = named(rest, [], ["run"]);
        return spec?.startsWith("npm:") ? npm(spec) : null;
      }
      case "node":
        for (const word of rest) {
          const path = word.replace(/\\/g, "/");
          const at = path.lastIndexOf("node_modules/");
          const parts = at < 0 ? [] : path.slice(at + 13).split("/");
          if (parts.length) {
            const found = npm(parts[0].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]);
            if (found) return found;
          }
        }
        return null;
      case "uvx": return of(pypi, named(rest, ["--from"], []));
      case "uv": return rest[0] === "tool" && rest[1] === "run" ? of(pypi, named(rest.slice(2), ["--from"], [])) : null;
      case "pipx": return of(pypi, named(rest, ["--spec"], ["run"]));
      case "python": case "python3": case "py": {
        const at = rest.indexOf("-m");
        return at >= 0 && rest[at + 1] ? pypi(rest[at + 1].split(".")[0]) : null;
      }
      case "docker": case "podman": case "nerdctl": {
        const at = rest.indexOf("run");
        return at < 0 ? null : of(oci, named(rest.slice(at + 1), [], [], ALONE_IMAGE));
      }
      default: return null;
    }
  }
  function started(all, more = 6) {
    const [first, ...rest] = all.slice(0, 200);
    if (first === undefined) return {};
    if (more > 0 && isLine(first)) return started([...split(first), ...rest], more - 1);
    if (more > 0 && /^[0-9A-Za-z_]+=/.test(first) && rest.length) return started(rest, more - 1);
    const command = bare(first);
    const inner = more > 0 ? inside(command, rest) : null;
    if (inner) return started(inner, more - 1);
    const found = from(command, rest);
    if (!found || !BRIDGES.includes(found.package)) return { command, ...found };
    const at = rest.indexOf("--stdio");
    if (at >= 0 && rest[at + 1] !== undefined && more > 0) return started(split(rest[at + 1]), more - 1);
    return { command, url: rest.map((word) => clean(word)[0]).find(Boolean) };
  }

  // How many credentials stand in plain text: they are counted and dropped.
  function plain(arg) {
    if (/^https?:\/\//.test(arg)) return clean(arg)[1] > 0;
    if (hasPassword(arg)) return true;
    const parts = /^([^=]*)=([^]*)$/.exec(arg) ?? /^([^]*?): ([^]*)$/.exec(arg);
    if (!parts) return looksSecret(arg);
    return !isReference(parts[2]) && (SENSITIVE.test(parts[1]) || looksSecret(parts[2]));
  }
  function countIn(args) {
    let count = 0;
    for (let at = 0; at < args.length; at += 1) {
      const arg = args[at];
      const value = args[at + 1];
      const follows = value !== undefined && !value.startsWith("-");
      if (plain(arg)) {
        count += 1;
        if (arg.startsWith("-") && follows) at += 1;
      } else if (arg.startsWith("-") && !arg.includes("=") && SENSITIVE.test(arg) && follows) {
        count += Number(!isReference(value));
        at += 1;
      }
    }
    return count;
  }
  const isTable = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  function beside(node) {
    let count = Number.isInteger(node.removed) && node.removed > 0 ? node.removed : 0;
    const inner = isTable(node.command) ? node.command : {};
    for (const name of ["env", "environment", "envs", "headers", "http_headers", "requestHeaders", "requestInit", "auth"]) {
      for (const holder of [node, inner]) {
        const table = own(holder, name);
        const values = isTable(table) ? (own(table, "headers") ?? table) : null;
        for (const [key, value] of isTable(values) ? Object.entries(values) : []) {
          if (typeof value === "string" && !isReference(value) && (SENSITIVE.test(key) || looksSecret(value) || hasPassword(value))) count += 1;
        }
      }
    }
    for (const key of ["bearer_token", "apiKey", "api_key", "token", "oauth_token"]) {
      const value = own(node, key);
      if (typeof value === "string" && !isReference(value)) count += 1;
    }
    return count;
  }

  const own = (node, key) => (isTable(node) && Object.hasOwn(node, key) ? node[key] : undefined);
  const text = (node, ...keys) => keys.map((key) => own(node, key)).find((value) => typeof value === "string");
  const mayBeName = (name) => typeof name === "string" && /^[\p{L}\p{N}\-_. /@()]{1,64}$/u.test(name) && !looksSecret(name);
  function ownName(found) {
    const name = found.package?.slice(found.package.indexOf(":") + 1) ?? found.url?.split("/")[2] ?? found.source
      ?? found.command;
    return mayBeName(name) ? name : "server";
  }
  function fromLine(line) {
    const words = split(line);
    if (!words.length) return null;
    const removed = countIn(words);
    const url = clean(words[0])[0];
    const found = url ? { url } : packaged(words[0]) ?? (isRunner(words[0]) ? started(words) : null);
    return found && { name: ownName(found), ...found, removed };
  }
  function fromTable(name, node) {
    const command = own(node, "command") ?? own(node, "cmd");
    let words = null;
    if (typeof command === "string") words = [command];
    else if (Array.isArray(command)) words = command.filter((word) => typeof word === "string");
    else if (isTable(command) && typeof own(command, "path") === "string") words = [command.path];
    let found = {};
    let removed = 0;
    let known = false;
    for (const args of words ? [own(command, "args"), own(node, "args")] : []) {
      if (typeof args === "string") words.push(...split(args));
      else if (Array.isArray(args)) words.push(...args.filter((word) => typeof word === "string"));
    }
    if (words?.length) {
      found = started(words);
      removed += countIn(whole(words));
      known = true;
    }
    const given = text(node, "package") && packaged(text(node, "package"));
    if (given) { found = { ...found, ...given }; known = true; }
    const address = text(node, "url", "serverUrl", "httpUrl", "server_url", "uri", "endpoint");
    if (address !== undefined) {
      const [url, gone] = clean(address);
      removed += gone;
      if (url) found.url = url;
      known = true;
    }
    if (!known) return null;
    const version = text(node, "version");
    if (version && isVersion(version) && found.package && !found.version) found.version = version;
    const repository = text(node, "source");
    if (repository && !found.source) Object.assign(found, source(`git+${repository}`));
    removed = Math.min(removed + beside(node), 1000);
    if (!found.command && !found.package && !found.url && !found.source) found.command = "unknown";
    return { name: mayBeName(name) ? name : ownName(found), ...found, removed };
  }
  const server = (name, node) => (typeof node === "string" ? fromLine(node) : isTable(node) ? fromTable(name, node) : null);

  function look(node, found, depth = 0) {
    if (depth > DEPTH_MAX) return;
    const label = (one) => own(one, "name") ?? own(one, "id");
    if (Array.isArray(node)) {
      for (const one of node) found.push(server(label(one), one));
      return;
    }
    const one = server(label(node), node);
    if (one) { found.push(one); return; }
    if (!isTable(node)) return;
    const before = found.length;
    for (const [key, value] of Object.entries(node)) {
      const last = key.split(".").pop();
      if (["mcpServers", "mcp_servers", "context_servers", "servers"].includes(last)) entries(value, found, depth);
      else if (last === "mcp") entries(own(value, "servers") ?? own(value, "mcpServers") ?? value, found, depth);
      else if (last === "projects" && isTable(value)) for (const project of Object.values(value)) look(project, found, depth + 1);
    }
    if (!found.slice(before).some(Boolean)) entries(node, found, depth);
  }
  function entries(node, found, depth) {
    if (Array.isArray(node)) look(node, found, depth + 1);
    else if (isTable(node)) for (const [name, value] of Object.entries(node)) found.push(server(name, value));
  }

  // JSON with comments and trailing commas, made strict.
  function relaxed(given) {
    let out = "", comma = -1;
    for (let at = 0; at < given.length; at += 1) {
      const c = given[at];
      if (c === '"') {
        let end = at + 1;
        while (end < given.length && given[end] !== '"') end += given[end] === "\\" ? 2 : 1;
        out += given.slice(at, end + 1);
        at = end;
        comma = -1;
      } else if (c === "/" && given[at + 1] === "/") {
        while (at + 1 < given.length && !/[\r\n]/.test(given[at + 1])) at += 1;
      } else if (c === "/" && given[at + 1] === "*") {
        const end = given.indexOf("*/", at + 2);
        at = end < 0 ? given.length : end + 1;
      } else {
        if (c === ",") comma = out.length;
        else if ((c === "}" || c === "]") && comma >= 0) { out = out.slice(0, comma) + " " + out.slice(comma + 1); comma = -1; }
        else if (!/\s/.test(c)) comma = -1;
        out += c;
      }
    }
    return out;
  }
  // As much of TOML as Codex writes: tables, strings, lists of strings.
  function toml(given) {
    const whole = {};
    let table = whole;
    const lines = given.split(/\r?\n/);
    const key = (path) => path.match(/"[^"]*"|'[^']*'|[0-9A-Za-z_-]+/g)?.map((part) => part.replace(/^["']|["']$/g, "")) ?? [];
    const strings = (value) => [...value.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)]
      .map((m) => (m[1] === undefined ? m[2] : unescaped(m[1])));
    const unescaped = (inner) => { try { return JSON.parse(`"${inner}"`); } catch { return inner; } };
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at].trim();
      const head = /^\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line);
      if (head) {
        table = whole;
        for (const part of key(head[1])) {
          if (!Object.hasOwn(table, part) || !isTable(table[part])) Object.defineProperty(table, part, { value: {}, enumerable: true });
          table = table[part];
        }
        continue;
      }
      const pair = /^("[^"]*"|'[^']*'|[0-9A-Za-z_-]+)\s*=\s*(.*)$/.exec(line);
      if (!pair) continue;
      let value = pair[2];
      if (value.startsWith("[")) while (!/\]\s*(#.*)?$/.test(value) && at + 1 < lines.length) { at += 1; value += `\n${lines[at]}`; }
      const name = key(pair[1])[0];
      let read;
      if (value.startsWith("[")) read = strings(value);
      else if (value.startsWith("{")) {
        read = Object.fromEntries([...value.matchAll(/("[^"]*"|'[^']*'|[0-9A-Za-z_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*')/g)]
          .map((m) => [key(m[1])[0], strings(m[2])[0]]));
      } else if (/^["']/.test(value)) read = strings(value)[0];
      if (name !== undefined && read !== undefined) Object.defineProperty(table, name, { value: read, enumerable: true, configurable: true });
    }
    return whole;
  }

  function tree(given) {
    const start = relaxed(given).trim();
    if (start.startsWith("{")) return JSON.parse(start);
    if (start.startsWith('"')) return JSON.parse(`{${start.replace(/,$/, "")}}`);
    if (/^\[\s*([{"\],]|$)/.test(start)) return JSON.parse(start);
    const lines = given.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
    const fits = (line) => /^(https?:\/\/|npm:|pypi:|oci:)/.test(line) || isRunner(line.split(/\s+/)[0]);
    return lines.length && lines.every(fits) ? lines : toml(given);
  }

  /** The configuration as it may be sent; throws where nothing in it can be read. */
  function strip(given) {
    if (given.length > BYTES_MAX) throw new Error("The text is longer than 4 MiB.");
    let whole;
    try {
      whole = tree(given.replace(/^\ufeff/, ""));
    } catch {
      // The engine's own words would quote the text.
      throw new Error("This is not JSON, TOML or a list of commands. Nothing was sent.");
    }
    const found = [];
    look(whole, found);
    const order = (one) => JSON.stringify([one.name, one.package ?? "", one.version ?? "", one.url ?? "", one.source ?? "", one.command ?? ""]);
    const servers = new Map(found.filter(Boolean).map((one) => [order(one) + one.removed, one]));
    const sorted = [...servers.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
    if (!sorted.length) throw new Error("There is no MCP server in it. Nothing was sent.");
    const taken = new Set();
    const lines = sorted.slice(0, SERVERS_MAX).map((one) => {
      const base = [...one.name].slice(0, 58).join("");
      let name = one.name;
      for (let n = 2; taken.has(name); n += 1) name = `${base} (${n})`;
      taken.add(name);
      const members = ["command", "package", "version", "source", "url"].filter((key) => one[key])
        .map((key) => `"${key}": ${JSON.stringify(one[key])}`);
      if (one.removed > 0) members.push(`"removed": ${one.removed}`);
      return [name, `    ${JSON.stringify(name)}: { ${members.join(", ")} }`];
    });
    lines.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{\n  "mcpServers": {\n${lines.map(([, line]) => line).join(",\n")}\n  }\n}\n`;
  }

  const form = document.querySelector("form[data-scan]");
  if (!form) return;
  const field = form.querySelector("textarea");
  const said = document.getElementById("scan-said");
  const fault = document.getElementById("scan-fault");

  // Puts the stripped text into the field. Answers whether the field held anything else before.
  function apply() {
    if (!field.value.trim()) return false;
    const stripped = strip(field.value);
    const removed = [...stripped.matchAll(/"removed": (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    const changed = stripped !== field.value;
    field.value = stripped;
    fault.hidden = true;
    if (changed) {
      const keys = removed === 1 ? "1 key was found in plain text and taken out" : `${removed} keys were found in plain text and taken out`;
      said.textContent = `This is all that will be sent. ${removed ? keys : "No key was recognised in it"}.`;
    }
    return changed;
  }
  function tell(error) {
    fault.textContent = error.message;
    fault.hidden = false;
  }
  // What is pasted is stripped at once; what is typed, when the field is left.
  field.addEventListener("input", (event) => {
    if (!/^insertFrom(Paste|Drop)/.test(event.inputType)) return;
    try { apply(); } catch (error) { tell(error); }
  });
  field.addEventListener("change", () => {
    try { apply(); } catch (error) { tell(error); }
  });
  form.addEventListener("submit", (event) => {
    try {
      if (!apply()) return;
      event.preventDefault();
      said.textContent += " Press again to check it.";
    } catch (error) {
      event.preventDefault();
      tell(error);
    }
  });
})();
