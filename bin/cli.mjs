// Starts cli.ts with the compile cache on. In JavaScript, because the entry is compiled before the cache is: loading the type
// stripper for it would cost half of the CLI's start. The folder is the one that src/config/paths.ts names.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const { HOME, XDG_CACHE_HOME } = process.env;
const cache = XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : HOME?.startsWith('/') ? join(HOME, '.cache') : undefined;
if (cache !== undefined) enableCompileCache(join(cache, 'telepresence', 'compile-cache'));
await import('./cli.ts');
