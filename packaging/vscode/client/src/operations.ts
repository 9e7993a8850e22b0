/** The daemon's operations as types: a service that names a path, a body or a parameter wrongly does not compile. */
import type { paths } from "./generated/openapi.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";

type Operation<M extends Method, P extends keyof paths> = paths[P][M];

/** The paths that have a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: Operation<M, P> extends { responses: unknown } ? P : never;
}[keyof paths];

/** What fills the braces of a path. */
export type ParametersOf<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Record<Name, string> & ParametersOf<Rest>
  : unknown;

export type QueryOf<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { parameters: { query?: infer Q } } ? Exclude<Q, undefined> : never;

export type BodyOf<M extends Method, P extends keyof paths> =
  Operation<M, P> extends { requestBody: { content: { "application/json": infer B } } } ? B : undefined;

/** Fill the braces of a path. */
export function pathOf(path: string, parameters: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
}

/** Return a query with its question mark; what is undefined or null is left out. */
export function queryOf(parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
