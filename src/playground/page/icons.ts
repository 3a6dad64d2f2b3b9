import { svg } from 'lit';

function icon(path: string) {
  return svg`<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false"><path fill="currentColor" d=${path}></path></svg>`;
}

export const hashIcon = icon(
  'M10.1 3.200 9.400 7H14.400L15.100 3.200H17.100L16.400 7H20V9H16.100L15 15H19V17H14.600L13.900 20.800H11.900L12.600 17H7.600L6.900 20.800H4.900L5.600 17H2V15H6L7.100 9H3V7H7.400L8.100 3.200ZM9.100 9 8 15H13L14.100 9Z',
);
export const personIcon = icon(
  'M12 12a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9Zm0 2c-4.500 0-8 2.500-8 5.500V21h16v-1.500c0-3-3.500-5.500-8-5.500Z',
);
export const peopleIcon = icon(
  'M9 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm7.500-.500a3.200 3.200 0 1 0 0-6.500 3.200 3.200 0 0 0 0 6.500ZM9 13.500c-4 0-7 2.200-7 5V20h14v-1.500c0-2.800-3-5-7-5Zm8 .200c1.200 1.200 2 2.800 2 4.800V20h3v-1.500c0-2.500-2-4.500-5-4.800Z',
);
export const menuIcon = icon('M3 6h18v2H3Zm0 5h18v2H3Zm0 5h18v2H3Z');
export const closeIcon = icon(
  'm6.400 5 5.600 5.600L17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600l5.600-5.600L5 6.400Z',
);
export const moreIcon = icon(
  'M6 10.500a1.700 1.700 0 1 0 0 3.400 1.700 1.700 0 0 0 0-3.400Zm6 0a1.700 1.700 0 1 0 0 3.400 1.700 1.700 0 0 0 0-3.400Zm6 0a1.700 1.700 0 1 0 0 3.400 1.700 1.700 0 0 0 0-3.400Z',
);
export const fileIcon = icon(
  'M6 2h8l6 6v12.500c0 .800-.700 1.500-1.500 1.500h-13c-.800 0-1.500-.700-1.500-1.500v-17C4 2.700 4.700 2 5.500 2H6Zm7 2v5h5Z',
);
export const downloadIcon = icon(
  'M11 3h2v9.200l3.300-3.300 1.400 1.400L12 16l-5.700-5.700 1.400-1.400 3.300 3.300ZM4 19h16v2H4Z',
);
export const eyeIcon = icon(
  'M12 5C6.500 5 2.700 9.200 1.500 12 2.700 14.800 6.500 19 12 19s9.300-4.200 10.500-7C21.300 9.200 17.500 5 12 5Zm0 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8Z',
);
export const sendIcon = icon('M3 20.500v-6.800L12 12 3 10.300V3.500L22 12Z');
export const chevronIcon = icon('M5.300 9.300 6.700 7.900 12 13.200l5.300-5.300 1.400 1.400L12 16Z');
export const leftIcon = icon('M15.400 4.300 7.700 12l7.700 7.700-1.500 1.400L4.800 12l9.100-9.100Z');
export const rightIcon = icon('m8.600 4.300 1.500-1.400L19.200 12l-9.100 9.100-1.500-1.400L16.300 12Z');
export const openIcon = icon('M13 3h8v8h-2V6.400l-8.300 8.300-1.400-1.400L17.600 5H13ZM4 5h6v2H6v11h11v-4h2v6H4Z');
export const addFileIcon = icon('M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm1 5v4h4v2h-4v4h-2v-4H7v-2h4V7Z');
export const playIcon = icon('M8 4.500v15L20 12Z');
export const filmIcon = icon(
  'M4 4h16c.600 0 1 .400 1 1v14c0 .600-.400 1-1 1H4c-.600 0-1-.400-1-1V5c0-.600.400-1 1-1Zm1 2v2h2V6Zm0 5v2h2v-2Zm0 5v2h2v-2ZM17 6v2h2V6Zm0 5v2h2v-2Zm0 5v2h2v-2Zm-7-7.500v7l5.500-3.500Z',
);
export const soundIcon = icon('M9 3.500 20 2v13.500a3 3 0 1 1-2-2.830V7L11 8v9.500a3 3 0 1 1-2-2.830Z');
export const clockIcon = icon('M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm1 5v4.600l3.500 2-1 1.700L11 12.700V7Z');
