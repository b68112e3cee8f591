/** tickedThen are those of a list that are ticked after one was pressed, or all between it and another. */
export function tickedThen(was: ReadonlySet<string>, ids: string[], id: string, from?: string): ReadonlySet<string> {
  const [a, b] = [ids.indexOf(from ?? ''), ids.indexOf(id)]
  if (a >= 0 && b >= 0) return new Set([...was, ...ids.slice(Math.min(a, b), Math.max(a, b) + 1)])
  const next = new Set(was)
  if (!next.delete(id)) next.add(id)
  return next
}
