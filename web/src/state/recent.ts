// What was asked last, kept in this browser until somebody signs out.
const place = (over: string) => 'nightjar.recent.' + over
const most = 10

/** recentOf are the queries that were asked last, the newest first. */
export function recentOf(over: string): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(place(over)) ?? '[]')
    return Array.isArray(list) ? list.filter((q): q is string => typeof q === 'string').slice(0, most) : []
  } catch {
    return []
  }
}

/** remember puts a query before the others; every event is not worth it. */
export function remember(over: string, query: string): void {
  const q = query.trim()
  if (q === '' || q === '*' || q.length > 2000) return
  try {
    localStorage.setItem(place(over), JSON.stringify([q, ...recentOf(over).filter((o) => o !== q)].slice(0, most)))
  } catch {
    // It has no room: what was asked is not kept.
  }
}

/** forgetRecent is for who signs out. */
export function forgetRecent(): void {
  for (const over of ['events', 'signals', 'rules', 'sql']) localStorage.removeItem(place(over))
}
