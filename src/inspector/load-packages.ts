import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import type { secureHeaders } from 'hono/secure-headers';
import type { streamSSE } from 'hono/streaming';
import { DriverMissingError } from '../errors.ts';

/** What only the inspector needs; whoever doesn't use it needn't install it. */
const PACKAGES = 'hono @hono/node-server uplot';

export interface Packages {
  readonly Hono: typeof Hono;
  readonly serve: typeof serve;
  readonly streamSSE: typeof streamSSE;
  readonly secureHeaders: typeof secureHeaders;
  /** Files of uplot that the page asks for. */
  readonly uplot: { readonly script: Buffer; readonly style: Buffer };
}

/** @throws {DriverMissingError} naming the install command for all of them. */
export async function loadPackages(): Promise<Packages> {
  const [hono, streaming, headers, server, uplot] = await Promise.all([
    found('hono', () => import('hono')),
    found('hono', () => import('hono/streaming')),
    found('hono', () => import('hono/secure-headers')),
    found('@hono/node-server', () => import('@hono/node-server')),
    found('uplot', readUplot),
  ]);
  return {
    Hono: hono.Hono,
    serve: server.serve,
    streamSSE: streaming.streamSSE,
    secureHeaders: headers.secureHeaders,
    uplot,
  };
}

async function readUplot(): Promise<Packages['uplot']> {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot'));
  const [script, style] = await Promise.all([
    readFile(join(folder, 'uPlot.esm.js')),
    readFile(join(folder, 'uPlot.min.css')),
  ]);
  return { script, style };
}

async function found<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new DriverMissingError(name, error, PACKAGES);
  }
}
