"use strict";

// Thumbnails lie in files of their own, in the order of the data files. A file is loaded once, when
// one of its pictures is first to be seen.

const PICTURES_PER_FILE = 500;
const pictureFiles = new Map(); // by number: a promise of its pictures, base64 of JPEGs

window.unmutedPictures = {};

function loadPictures(number) {
  const name = `data/pictures-${String(number + 1).padStart(4, "0")}.js`;
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = name;
    script.addEventListener("load", () => resolve(window.unmutedPictures[number] || []));
    script.addEventListener("error", () => resolve([]));
    document.head.append(script);
  });
}

// Shows the picture of a video, by its place among all, in an image that is still empty.
async function showPicture(image, place) {
  const number = Math.floor(place / PICTURES_PER_FILE);
  if (!pictureFiles.has(number)) {
    pictureFiles.set(number, loadPictures(number));
  }
  const picture = (await pictureFiles.get(number))[place % PICTURES_PER_FILE];
  if (picture) {
    image.src = `data:image/jpeg;base64,${picture}`;
  }
}
