// What Vite makes of imports that are no code.
declare module '*.css';
declare module '*?url' {
  const address: string;
  // biome-ignore lint/style/noDefaultExport: that is how Vite hands over an address
  export default address;
}
