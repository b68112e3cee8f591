import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { countFacets } from '../api/facets'
import { go, useAddress } from '../state/address'
import { useAsk, useEvery, useLate } from '../state/ask'
import { useCommands, type Command } from '../state/commands'
import { useKeys } from '../state/keys'
import { later, useLater } from '../state/later'
import { prefer, usePreferences, type Preferences } from '../state/preferences'
import { leave, useCaller } from '../state/session'
import { oneLine } from '../state/text'
import { zoneName } from '../state/time'
import { views } from '../views'
import { Menu, MenuItem } from './menu'
import { StatusLine } from './status-line'
import { ValueMenu } from './value-menu'

const states = later(() => import('./engine-state'))
const palettes = later(() => import('./palette'))
const keyLists = later(() => import('./key-list'))
const begins = later(() => import('./begin'))

/** Frame is what surrounds every view: the bar at the top, and the line of what was done. */
export function Frame({ children }: { children: ComponentChildren }) {
  const [listing, setListing] = useState(false)
  const [finding, setFinding] = useState(false)
  const palette = useLater(palettes, finding)
  const list = useLater(keyLists, listing)
  const begin = useLater(begins, useLate(true, 1000)) // after the view has what it needs
  useCommands([...ownCommands(usePreferences()), { name: 'List of keys', of: 'help', keys: '?', act: () => setListing(true) }])
  useKeys([
    { keys: 'Mod+k', does: 'go to, or do', act: () => setFinding(true), always: true },
    { keys: '?', does: 'list of keys', act: () => setListing(true) },
    ...views.filter((v) => v.listed).map((v) => ({ keys: 'g ' + v.letter, does: 'go to ' + v.title, act: () => go('/' + v.name) })),
  ])
  return (
    <>
      <a class="skip" href="#content" data-leave onClick={(e) => (e.preventDefault(), document.getElementById('content')?.focus())}>To the content</a>
      <Top list={() => setListing(true)} />
      {begin && <begin.default />}
      <div id="content" class="content" tabIndex={-1}>{children}</div>
      <StatusLine />
      <ValueMenu />
      {palette && <palette.default close={() => setFinding(false)} />}
      {list && <list.KeyList close={() => setListing(false)} />}
    </>
  )
}

/** ownCommands are what a person chooses for themselves. */
function ownCommands(p: Preferences): Command[] {
  const of = 'preference'
  return [
    ...(['dark', 'light', 'system'] as const).filter((t) => t !== p.theme).map((theme) => ({ name: `Theme: ${themeName[theme].toLowerCase()}`, of, act: () => prefer({ theme }) })),
    { name: p.zone === 'utc' ? 'Times in local time' : 'Times in UTC', of, act: () => prefer({ zone: p.zone === 'utc' ? 'local' : 'utc' }) },
    ...(['compact', 'normal', 'roomy'] as const).filter((d) => d !== p.density).map((density) => ({ name: `Rows: ${density}`, of, act: () => prefer({ density }) })),
    { name: p.letters ? 'Keys of one letter: off' : 'Keys of one letter: on', of, act: () => prefer({ letters: !p.letters }) },
    { name: 'Sign out', of: 'session', act: () => void leave() },
  ]
}

function Top({ list }: { list: () => void }) {
  const { parts } = useAddress()
  return (
    <header class="top">
      <a class="brand" href="/signals">
        <svg width="18" height="10" viewBox="0 0 18 10" aria-hidden="true"><path fill="currentColor" d="M0 2.6C3-.5 6.200-.3 9 3.800 11.800-.3 15-.5 18 2.600c-3.100-.3-5 .9-6.600 4.100L9 9.400 6.600 6.700C5 3.500 3.100 2.300 0 2.600z" /></svg>
        nightjar
      </a>
      <nav aria-label="Views">
        {views.filter((v) => v.listed).map((v) => (
          <a key={v.name} href={'/' + v.name} aria-current={parts[0] === v.name ? 'page' : undefined}>{v.title}{v.name === 'signals' && <QueueCount />}</a>
        ))}
      </nav>
      <div class="person">
        <Engine />
        <ZoneButton />
        <ThemeButton />
        <Person list={list} />
      </div>
    </header>
  )
}

/** Engine is how the engine is, loaded after the view has what it needs. */
function Engine() {
  const state = useLater(states, useLate(true, 500))
  return state ? <state.EngineState /> : <span class="engine" />
}

/** QueueCount is how many signals wait, after the view has what it needs. */
function QueueCount() {
  const late = useLate(true, 1500)
  const n = useAsk(late ? 'queue' : null, (stop) => countFacets({ query: '@nightjar.state:(open OR under_review)', from: 'now-24h', to: '' }, [], 1, stop), 'keep')
  useEvery(30_000, n.refresh, late)
  const total = n.value?.total ?? 0
  return <span class="queue-count mut" title="Signals of 24 hours that are not archived">{total === 0 ? '' : total < 1000 ? total : `${Math.floor(total / 1000)}k`}</span>
}

function ZoneButton() {
  const { zone } = usePreferences()
  return (
    <button onClick={() => prefer({ zone: zone === 'utc' ? 'local' : 'utc' })} title="Times are in this zone; press for the other">
      <span class="unseen">Times in </span>{zoneName(zone)}
    </button>
  )
}

const nextTheme: Record<Preferences['theme'], Preferences['theme']> = { system: 'dark', dark: 'light', light: 'system' }
const themeName: Record<Preferences['theme'], string> = { system: 'System', dark: 'Dark', light: 'Light' }

function ThemeButton() {
  const { theme } = usePreferences()
  return (
    <button onClick={() => prefer({ theme: nextTheme[theme] })} title="Dark, light, or as the system is">
      <span class="unseen">Theme: </span>{themeName[theme]}
    </button>
  )
}

function Person({ list }: { list: () => void }) {
  const caller = useCaller()
  const { letters, density } = usePreferences()
  const said = caller.by === 'key' ? 'Key' : caller.name
  return (
    <Menu label={said} class="person-button">
      <p class="menu-head">{caller.by === 'key' ? `Key “${oneLine(caller.name, 40)}”` : oneLine(caller.name, 40)}, {caller.role}</p>
      <MenuItem act={list}>Keys</MenuItem>
      <MenuItem act={() => prefer({ letters: !letters })} checked={letters}>Keys of one letter act</MenuItem>
      <MenuItem act={() => prefer({ density: 'compact' })} checked={density === 'compact'}>Compact rows</MenuItem>
      <MenuItem act={() => prefer({ density: 'normal' })} checked={density === 'normal'}>Normal rows</MenuItem>
      <MenuItem act={() => prefer({ density: 'roomy' })} checked={density === 'roomy'}>Roomy rows</MenuItem>
      {caller.by === 'user' && <MenuItem act={() => go('/operation/sessions')}>Your sessions</MenuItem>}
      <MenuItem act={() => window.open('/api/reference', '_self')}>API reference</MenuItem>
      <MenuItem act={() => void leave()}>Sign out</MenuItem>
    </Menu>
  )
}
