// Put behind the loader of the split WASM: what a part needs comes in one file, a module of custom sections, each of
// them one of the modules that the splitter made.
const decoder = new TextDecoder();

function sections(bytes) {
    const found = new Map();
    let at = 8;
    const number = () => {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = bytes[at++];
            value |= (byte & 127) << shift;
            if (byte < 128) return value;
        }
    };
    while (at < bytes.length) {
        at++;
        const size = number();
        const end = at + size;
        const length = number();
        const name = decoder.decode(bytes.subarray(at, at + length));
        found.set(name, bytes.subarray(at + length, end));
        at = end;
    }
    return found;
}

async function fetchPack(name) {
    const answer = await fetch(new URL(`./${name}.wasm`, import.meta.url));
    if (!answer.ok) throw new Error(`${name}.wasm: ${answer.status}`);
    return sections(new Uint8Array(await answer.arrayBuffer()));
}

// What starts each module that several parts share: once, whichever part comes first.
const shared = new Map();

function start(modules, stem) {
    const bytes = modules.get(stem);
    return makeLoad(() => (imports) => WebAssembly.instantiate(bytes, imports), []);
}

// A part is what its pack has besides it, and then itself.
async function begin(name) {
    const modules = await fetchPack(name);
    const own = `split_${name}`;
    const others = [...modules.keys()].filter((stem) => stem !== own);
    for (const stem of others) {
        if (!shared.has(stem)) shared.set(stem, start(modules, stem));
    }
    await Promise.all(others.map((stem) => shared.get(stem)()));
    // A part of which all is shared has nothing of its own.
    if (modules.has(own)) await start(modules, own)();
}

// What loads a part: once, and again after it failed.
function part(name) {
    let loading;
    return () => {
        loading ??= begin(name).catch((error) => {
            loading = undefined;
            throw error;
        });
        return loading;
    };
}
