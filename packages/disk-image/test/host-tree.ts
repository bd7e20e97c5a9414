import type { TreeEntry } from '@osforge/disk-image';
import { tool } from './temp.ts';

const script = `
import hashlib, json, os, stat, sys
kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'character-device', stat.S_IFBLK: 'block-device', stat.S_IFIFO: 'fifo', stat.S_IFSOCK: 'socket'}
root = os.fsencode(sys.argv[1]); seen = {}; out = []
def digest(p):
    h = hashlib.sha256()
    with open(p, 'rb') as f:
        while True:
            b = f.read(1 << 20)
            if not b: return h.hexdigest()
            h.update(b)
def visit(host, path):
    s = os.lstat(host); kind = kinds[stat.S_IFMT(s.st_mode)]
    e = {'path': path.decode(), 'type': kind, 'mode': stat.S_IMODE(s.st_mode), 'uid': s.st_uid, 'gid': s.st_gid,
         'sizeBytes': s.st_size if kind in ('file', 'symlink') else 0, 'mtimeSeconds': int(s.st_mtime // 1),
         'xattrs': {n: os.getxattr(host, n, follow_symlinks=False).hex() for n in sorted(os.listxattr(host, follow_symlinks=False))}}
    first = seen.get(s.st_ino) if kind != 'directory' else None
    if kind == 'symlink': e['linkTarget'] = os.readlink(host).decode()
    if kind == 'file': e['sha256'] = digest(host)
    if kind.endswith('device'): e['rdev'] = '%d:%d' % (os.major(s.st_rdev), os.minor(s.st_rdev))
    if first: e['hardLinkTo'] = first
    elif s.st_nlink > 1 and kind != 'directory': seen[s.st_ino] = e['path']
    out.append(e)
    if kind == 'directory':
        for name in sorted(os.listdir(host)):
            if path == b'/' and name == b'lost+found': continue
            visit(os.path.join(host, name), path.rstrip(b'/') + b'/' + name)
visit(root, b'/')
json.dump(out, sys.stdout)
`;

/** The same list as the reader's walk, made by Python from a folder of the host; without a root `lost+found`. */
export async function hostTree(folder: string): Promise<TreeEntry[]> {
  // The script above writes exactly these fields.
  return JSON.parse(await tool('python3', '-c', script, folder)) as TreeEntry[];
}
