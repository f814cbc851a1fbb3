/** The hidden command that runs the watchdog; deby gives it to itself, with the note's path as its argument. */
export const WATCHDOG = "outage-watchdog";
