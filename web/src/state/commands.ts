// What can be done here and now, by name: the palette (⌘K) lists it.
import { useEffect, useRef } from 'preact/hooks'

export interface Command {
  /** What it does, as somebody would look for it. */
  name: string
  /** Under which heading it stands. */
  of: string
  act: () => void
  /** Its key, where it has one. */
  keys?: string
  /** Why it can't be done now; empty or absent: it can. */
  lacks?: string
}

const layers: { current: Command[] }[] = []

/** useCommands offers commands while the component is shown. */
export function useCommands(commands: Command[]): void {
  const layer = useRef(commands)
  layer.current = commands
  useEffect(() => {
    layers.push(layer)
    return () => void layers.splice(layers.indexOf(layer), 1)
  }, [])
}

/** currentCommands are those that are offered now, the innermost first. */
export const currentCommands = (): Command[] => [...layers].reverse().flatMap((l) => l.current)
