import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'

let loaded: ComponentType | undefined

/** useSQL is the SQL form, loaded when somebody opens it. */
export function useSQL(wanted: boolean): ComponentType | undefined {
  const [, redraw] = useState({})
  useEffect(() => {
    if (wanted && !loaded) void import('./sql').then((m) => ((loaded = m.default), redraw({})))
  }, [wanted])
  return loaded
}
