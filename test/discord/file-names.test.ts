import { describe, expect, it } from 'vitest';
import { attachmentName, isDataFile, shownName } from '../../src/discord/file-names.ts';

describe('the name of a result', () => {
  it.each([
    ['__Depth map__00001_.png', 'Depth map'],
    ['__a__b__00001_.png', 'a__b'],
    ['Image_1_00001_.png', 'Image_1_00001_.png'],
    ['a__b__c.png', 'a__b__c.png'],
    ['____.png', '____.png'],
    ['__open.png', '__open.png'],
  ])('that begins with two underscores is what is between the first and the last two: %s', (name, shown) => {
    expect(shownName(name)).toBe(shown);
  });

  it.each([
    ['Image 1.PNG', '.png', 'image_1.png'],
    ['__Depth map__00001_.png', '.webp', 'depth_map.webp'],
    ['clip.png', '.webm', 'clip.webm'],
    ['Notes.MD', '.txt', 'notes.md'],
    ['notes.exe', '.txt', 'notes.txt'],
    ['table.XLSX', '.zip', 'table.xlsx'],
    ['weights.SafeTensors', '.SafeTensors', 'weights.safetensors'],
    ['été ☂.txt', '.txt', '_t_.txt'],
    ['.txt', '.txt', 'file.txt'],
  ])('as Discord takes it has the extension that its bytes say: %s with %s', (name, extension, expected) => {
    expect(attachmentName(name, extension)).toBe(expected);
    expect(attachmentName(name, extension)).toMatch(/^[a-z0-9._-]+$/);
  });

  it('is unlike those before it', () => {
    expect(attachmentName('a.txt', '.txt', [{ name: 'a.txt' }])).toBe('2-a.txt');
  });

  it('tells whether a text was made to be a file', () => {
    expect(['a.json', 'a.MD', 'a.csv'].map(isDataFile)).toEqual([true, true, true]);
    expect(['a.txt', 'a', 'a.png'].map(isDataFile)).toEqual([false, false, false]);
  });
});
