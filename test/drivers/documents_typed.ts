// Documents with the types that relations.typescript says they have; see test/t/types.pl.
import { Client } from 'pg';
import type { FoldersDocument, KindsDocument, NotesDocument, Post, UsersDocument } from './documents';

async function query<T>(client: Client, model: string, document: unknown): Promise<T[]> {
  const { rows } = await client.query<{ document: T }>('SELECT relations.query($1::regclass, $2) AS document', [model, document]);
  return rows.map((row) => row.document);
}

function depth(folders: { children?: FoldersDocument['children'] }[]): number {
  return Math.max(0, ...folders.map((folder) => (folder.children === undefined ? 0 : 1 + depth(folder.children))));
}

async function main(): Promise<void> {
  const client = new Client();
  await client.connect();
  const users = await query<UsersDocument>(client, 'users',
    { preload: { profile: true, posts: { preload: ['author'] } }, count: { posts_count: 'posts' } });
  for (const user of users) {
    const posts: UsersDocument['posts'] = user.posts;
    const bio = user.profile === null ? 'no profile' : user.profile.bio ?? 'no bio';
    console.log(`${user.name}: ${user.posts_count} posts, the first by ${posts[0]!.author.name}; ${bio}`);
  }
  const posts = await query<Post>(client, 'posts', { key_case: 'camel', cursor: true, preload: ['author', 'tags'] });
  const price: number = posts.reduce((sum, post) => sum + (typeof post.price === 'number' ? post.price : 0), 0);
  const stamps: string[] = posts.flatMap((post) => post.tags.map((tag) => tag.pivot.createdAt));
  const states: ('draft' | 'out')[] = posts.map((post) => post.state);
  const notes = await query<NotesDocument>(client, 'notes', { preload: ['about'] });
  const about = notes.map((note) => (note.about === null ? 'nothing' : 'label' in note.about ? note.about.label : note.about.name));
  const folders = await query<FoldersDocument>(client, 'folders', { preload: { children: { recursive: true } } });
  const kinds = await query<KindsDocument>(client, 'kinds', {});
  const numbers: number[] = kinds.flatMap((kind) => (typeof kind.f8 === 'number' ? [kind.f8] : []));
  const street: string | null | undefined = kinds[0]!.p?.street;
  console.log(JSON.stringify({ price, stamps: stamps.length, states, about, depth: depth(folders), numbers: numbers.length, street: typeof street }));
  await client.end();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
