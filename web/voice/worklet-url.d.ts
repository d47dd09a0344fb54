/** Vite's: the address of a file that it compiles for itself. */
declare module '*?worker&url' {
  const url: string
  export default url
}
