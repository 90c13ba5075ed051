'use client';

// A client component. It is rendered on the server too, where importing the package must do
// nothing.

import { useEffect } from 'react';
import { show } from '../app';

let isShown = false;

export function Chats() {
  useEffect(() => {
    // Once, though React runs effects twice in development.
    if (!isShown) show();
    isShown = true;
  }, []);
  return <p>Rendered on the server</p>;
}
