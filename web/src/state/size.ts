import { useEffect, useState } from 'preact/hooks'
import { usePreferences } from './preferences'

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

/** usePhone reports whether there is room for one column only. */
export const usePhone = (): boolean => useMatches('(max-width: 760px)')

/** useRowHeight is that of a row of a list in pixels; one of two lines is higher on a telephone. */
export function useRowHeight(lines: 1 | 2 = 2): number {
  const { density } = usePreferences()
  const phone = usePhone()
  return phone && lines === 2 ? 64 : { compact: 20, normal: 24, roomy: 32 }[density]
}
