/** A URL as it may be shown: the name and the password in it are somebody's secret. */
export function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/]*@/, "//***@");
}
