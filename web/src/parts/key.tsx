import type { ComponentChildren } from 'preact'
import { usePreferences } from '../state/preferences'

/** Key shows a key to press; nothing where letters don't act. */
export function Key({ children }: { children: ComponentChildren }) {
  return usePreferences().letters ? <kbd aria-hidden="true">{children}</kbd> : null
}
