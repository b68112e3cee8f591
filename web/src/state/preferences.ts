import { createStore, useStore } from './store'

/** Preferences are a person's, kept in this browser. */
export interface Preferences {
  theme: 'dark' | 'light' | 'system'
  zone: 'utc' | 'local'
  density: 'normal' | 'compact' | 'roomy'
  /** Keys of one letter act. */
  letters: boolean
  columns: Record<string, string[]>
  lastReason: string
}

const place = 'nightjar.preferences'
const initial: Preferences = { theme: 'system', zone: 'utc', density: 'normal', letters: true, columns: {}, lastReason: '' }

function read(): Preferences {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Preferences>) }
  } catch {
    return initial // no storage, or not ours
  }
}

const preferences = createStore<Preferences>(read())

export const usePreferences = (): Preferences => useStore(preferences)
export const currentPreferences = (): Preferences => preferences.get()

export function prefer(parts: Partial<Preferences>): void {
  preferences.set({ ...preferences.get(), ...parts })
  try {
    localStorage.setItem(place, JSON.stringify(preferences.get()))
  } catch {
    // it holds for this page, and is forgotten
  }
  show()
}

/** show makes the document look as was chosen. */
export function show(): void {
  const { theme, density } = preferences.get()
  const root = document.documentElement
  if (theme === 'system') delete root.dataset.theme
  else root.dataset.theme = theme
  if (density === 'normal') delete root.dataset.density
  else root.dataset.density = density
}

addEventListener('storage', (e) => {
  if (e.key !== place) return
  preferences.set(read())
  show()
})
