// Put behind the loader of the split WASM: what a part needs comes in one file, a module of custom sections, each of
// them one of the modules that the splitter made.
const decoder = new TextDecoder();
let opened;
let pack;

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

// A part asks for all its modules in one go, and only then for the next part's.
function part(name, load) {
    return () => {
        opened = name;
        pack = undefined;
        return load();
    };
}

// What `makeLoad` calls to fetch a module, and then to start it.
function module(stem) {
    return () => {
        pack ??= fetchPack(opened);
        const bytes = pack.then((modules) => modules.get(stem));
        // Its failure is heard of when it is started.
        bytes.catch(() => {});
        return async (imports) => WebAssembly.instantiate(await bytes, imports);
    };
}
