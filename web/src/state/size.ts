import { useEffect, useState } from 'preact/hooks'

/** useMatches follows a media query. */
export function useMatches(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const m = matchMedia(query)
    const told = () => setMatches(m.matches)
    told()
    m.addEventListener('change', told)
    return () => m.removeEventListener('change', told)
  }, [query])
  return matches
}

const narrow = '(max-width: 1080px)'

/** useNarrow reports whether there is no room for a panel: a signal is a page of its own. */
export const useNarrow = (): boolean => useMatches(narrow)

/** isNarrow is the same for what is drawn anew by who uses it. */
export const isNarrow = (): boolean => matchMedia(narrow).matches

/** rowHeight is that of a row of the list in pixels: two lines on a telephone. */
export function rowHeight(density: string, narrow: boolean): number {
  if (narrow && matchMedia('(max-width: 760px)').matches) return 64
  return { compact: 20, roomy: 32 }[density] ?? 24
}
