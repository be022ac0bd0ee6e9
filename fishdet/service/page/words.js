// Every sentence of the page, in Korean and English, and the language that is chosen.

const WORDS = {
  skip: ["Skip to the content", "본문으로 바로 가기"],
  tagline: ["Which fish is on this photo?", "사진 속 물고기는 무엇일까요?"],
  language: ["Language", "언어"],
  send: ["A photo", "사진"],
  sendHow: [
    "Choose or take one, drop it anywhere on this page, or paste it. It is looked at and not kept.",
    "고르거나 찍거나, 화면 아무 곳에 끌어다 놓거나, 붙여 넣으세요. 보기만 하고 저장하지 않습니다.",
  ],
  choose: ["Choose photos", "사진 고르기"],
  photograph: ["Take a photo", "사진 찍기"],
  paste: ["Paste", "붙여넣기"],
  pasteNone: ["There is no picture to paste. Copy one, then press Ctrl+V here.", "붙여 넣을 사진이 없습니다. 사진을 복사한 뒤 Ctrl+V를 누르세요."],
  dropHere: ["Drop the photo here", "여기에 사진을 놓으세요"],
  key: ["API key", "API 키"],
  modelKnows: ["The model knows {n} species: {names}.", "이 모델은 {n}종을 압니다: {names}."],
  drawnOnly: [
    "This model has seen drawn fish only: what it says of photos means little.",
    "이 모델은 그린 물고기만 배웠습니다. 사진에 대한 답은 믿을 만하지 않습니다.",
  ],
  looking: ["Looking at photo {n} of {all} …", "사진 {all}장 중 {n}번째를 보는 중 …"],
  summary: ["Fish found: {n}. {verdicts}", "찾은 물고기: {n}마리. {verdicts}"],
  none: ["No fish found on this photo.", "이 사진에서 물고기를 찾지 못했습니다."],
  picture: ["On the photo", "사진에서"],
  found: ["What was found", "찾은 물고기"],
  noPreview: ["This browser cannot show this kind of picture; the boxes are right all the same.", "이 브라우저는 이 형식의 사진을 보여 줄 수 없지만 상자는 맞습니다."],
  photoAlt: ["The photo, {n} boxes", "사진, 상자 {n}개"],
  fishLabel: ["Fish {n}: {what}", "물고기 {n}: {what}"],
  probably: ["probably {name}", "아마도 {name}"],
  one_of_1: ["perhaps {name}", "어쩌면 {name}"],
  one_of_2: ["one of these two", "이 둘 중 하나"],
  one_of_3: ["one of these three", "이 셋 중 하나"],
  unknown: ["not a species that I know", "제가 아는 종이 아닙니다"],
  unknownHow: ["The closest that I know, none of them likely:", "아는 것 가운데 가까운 종이지만 그럴듯하지는 않습니다:"],
  chance: ["chance {p} %", "확률 {p} %"],
  score: ["score {p} %, not calibrated", "점수 {p} %, 보정되지 않음"],
  calibrated: [
    "Chances are calibrated: of the fish called 80 %, about 80 % were right on the data that the model was checked with.",
    "확률은 보정되었습니다. 모델을 확인한 자료에서 80 %라고 한 물고기는 열에 여덟쯤 맞았습니다.",
  ],
  gallery_species: ["By the gallery: {name}, {p} %.", "갤러리로 보면 종: {name}, {p} %."],
  gallery_genus: ["By the gallery: of the genus {name}, {p} %.", "갤러리로 보면 속: {name}, {p} %."],
  gallery_family: ["By the gallery: of the family {name}, {p} %.", "갤러리로 보면 과: {name}, {p} %."],
  gallery_fish: ["By the gallery: a fish, no rank is sure enough.", "갤러리로 보면: 물고기. 더 좁게는 확실하지 않음."],
  gallery_likely: ["Likeliest: {names}.", "가장 그럴듯한 종: {names}."],
  gallery_stranger: ["By the gallery: not a species that it knows.", "갤러리로 보면: 갤러리가 아는 종이 아님."],
  uncalibrated: [
    "This model is not calibrated: the figures are the network's scores, no chances.",
    "이 모델은 보정되지 않았습니다. 숫자는 신경망의 점수이며 확률이 아닙니다.",
  ],
  others: ["Also possible", "다른 가능성"],
  about: ["About this species", "이 종에 대하여"],
  aboutOf: ["About {name}", "{name} 알아보기"],
  yourFish: ["The fish on your photo", "사진 속 물고기"],
  noCard: ["The catalogue has no entry for “{name}”.", "도감에 “{name}” 항목이 없습니다."],
  correct: ["Correct", "바로잡기"],
  pipeline: ["How the model got there (new tab)", "모델이 거친 과정(새 탭)"],
  correctTitle: ["Put it right", "바로잡기"],
  correctHow: [
    "Choose a box, then say what it is, or move it: drag it or its corners, or use the arrow keys (with Shift: its size). Add fish that were missed. All fish on the photo should have a box in the end.",
    "상자를 고른 뒤 무엇인지 알려 주거나, 상자나 모서리를 끌거나 화살표 키로 옮기세요(Shift와 함께: 크기). 놓친 물고기를 더해 주세요. 끝에는 사진의 모든 물고기에 상자가 있어야 합니다.",
  ],
  thisIs: ["This is a …", "이것은 …"],
  thisIsFor: ["Fish {n} is a …", "물고기 {n}은(는) …"],
  searchHow: ["Korean, English or scientific name; choose from the list", "한국어·영어·학명으로 찾아 목록에서 고르세요"],
  searchCount: ["Proposals: {n}", "제안 {n}개"],
  searchNone: ["The catalogue has nothing like this", "도감에 비슷한 이름이 없습니다"],
  noSpecies: ["A fish, species not known", "물고기, 종은 모름"],
  addFish: ["Add a missed fish", "놓친 물고기 더하기"],
  removeBox: ["Not a fish: remove the box", "물고기가 아님: 상자 지우기"],
  removed: ["The box is removed.", "상자를 지웠습니다."],
  added: ["A box stands in the middle of the photo. Move it onto the fish, then say what it is.", "사진 한가운데에 상자를 놓았습니다. 물고기로 옮긴 뒤 무엇인지 알려 주세요."],
  renamed: ["Fish {n} is now: {name}.", "물고기 {n}: {name}(으)로 바꿨습니다."],
  newFish: ["new, not named yet", "새 상자, 이름 없음"],
  yourWord: ["{name} (your word)", "{name} (직접 지정)"],
  moved: ["Box: {x}, {y}, {w} by {h} pixels", "상자: {x}, {y}, 크기 {w} × {h} 화소"],
  consent: [
    "I took this photo or may share it, and agree that the photo (without its place, time and file name) and the boxes are stored by this service and used for training. I can delete them at any time below.",
    "이 사진은 제가 찍었거나 나눌 권리가 있으며, 사진(장소·시각·파일 이름 제외)과 상자를 이 서비스가 저장하고 학습에 쓰는 데 동의합니다. 아래에서 언제든지 지울 수 있습니다.",
  ],
  consentNeeded: ["Tick the box of consent first.", "먼저 동의란에 표시해 주세요."],
  nameNeeded: ["Fish {n} has no name yet; say what it is, or choose “{unknown}”.", "물고기 {n}의 이름이 없습니다. 알려 주거나 “{unknown}”을 고르세요."],
  giveIt: ["Send the correction", "바로잡은 것 보내기"],
  cancel: ["Cancel", "그만두기"],
  thanks: ["Thank you. The correction is stored; you can delete it below.", "고맙습니다. 저장했으며 아래에서 지울 수 있습니다."],
  history: ["Seen on this device", "이 기기에서 본 사진"],
  historyHow: ["Photos and answers stay in this browser only.", "사진과 답은 이 브라우저에만 남습니다."],
  historyNone: ["Nothing yet.", "아직 없습니다."],
  forgetOne: ["Delete the photo of {when}", "{when} 사진 지우기"],
  open: ["Open the photo of {when}: {what}", "{when} 사진 열기: {what}"],
  forgetAll: ["Delete all", "모두 지우기"],
  forgotten: ["Deleted from this device.", "이 기기에서 지웠습니다."],
  given: ["Corrections that you gave", "보낸 바로잡기"],
  givenHow: ["Deleting removes photo and boxes from the service for good.", "지우면 서비스에서 사진과 상자가 완전히 사라집니다."],
  takeBack: ["Delete the correction of {when}", "{when} 바로잡기 지우기"],
  takenBack: ["The correction is deleted.", "바로잡은 것을 지웠습니다."],
  caution: [
    "A model can be wrong, and it forces fish that it never saw into its own species. Never eat, sell or keep a fish by this page alone.",
    "모델은 틀릴 수 있고, 본 적 없는 물고기도 아는 종으로 답하곤 합니다. 이 화면만 믿고 먹거나 팔거나 가져가지 마세요.",
  ],
  n_fish: ["{n} fish", "물고기 {n}마리"],
  // errors, by the service's code
  offline: ["The service cannot be reached. Check the connection and try again.", "서비스에 연결할 수 없습니다. 연결을 확인하고 다시 해 보세요."],
  empty: ["The file is empty.", "빈 파일입니다."],
  not_an_image: ["This is no picture that can be read. Send JPEG, PNG or WebP.", "읽을 수 있는 사진이 아닙니다. JPEG, PNG, WebP로 보내 주세요."],
  damaged: ["The picture is damaged or cut short. Save it again and retry.", "사진이 손상되었거나 잘렸습니다. 다시 저장해서 보내 주세요."],
  too_large: ["The file is too large (at most {mib} MiB). Make it smaller.", "파일이 너무 큽니다(최대 {mib} MiB). 줄여서 보내 주세요."],
  too_many_pixels: ["The picture has too many pixels (at most {mp} million). Make it smaller.", "화소가 너무 많습니다(최대 {mp}백만). 줄여서 보내 주세요."],
  no_key: ["This service asks for an API key; type it in above.", "API 키가 필요합니다. 위에 입력해 주세요."],
  too_many_requests: ["Too many requests. Wait {wait} s.", "요청이 너무 많습니다. {wait}초 기다려 주세요."],
  busy: ["The service has much to do. Try again in {wait} s.", "서비스가 붐빕니다. {wait}초 뒤에 다시 해 보세요."],
  too_slow: ["It took too long. Try again.", "너무 오래 걸렸습니다. 다시 해 보세요."],
  full: ["The service takes no more corrections now.", "지금은 바로잡기를 더 받을 수 없습니다."],
  failed: ["Something went wrong: {message}", "문제가 생겼습니다: {message}"],
};

const KEPT = "fishdet-lang";
let lang = startLanguage();

function startLanguage() {
  let kept = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch { /* storage is switched off */ }
  if (kept === "ko" || kept === "en") return kept;
  return (navigator.language || "").toLowerCase().startsWith("ko") ? "ko" : "en";
}

/** 'ko' or 'en'. */
export const language = () => lang;

export function setLanguage(value) {
  lang = value;
  try {
    localStorage.setItem(KEPT, value);
  } catch { /* then it holds until the page is closed */ }
}

/** One of two texts, by the language: [English, Korean]. */
export const pick = (pair) => pair[lang === "ko" ? 1 : 0];

/** A sentence with its gaps filled. */
export function say(name, gaps = {}) {
  return pick(WORDS[name]).replace(/\{(\w+)\}/g, (_, gap) => gaps[gap] ?? "");
}

export const has = (name) => Object.hasOwn(WORDS, name);

/** The name of a species in the language, else the other, else what it was trained as. */
export function nameOf(one) {
  const names = lang === "ko" ? [one.name_ko, one.name_en] : [one.name_en, one.name_ko];
  return names.find(Boolean) || one.scientific_name || one.class_name || one.id;
}

/** A day and time as the language writes it. */
export const when = (milliseconds) =>
  new Date(milliseconds).toLocaleString(lang === "ko" ? "ko-KR" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

/** Put the words into every element that names one. */
export function translate(root = document) {
  document.documentElement.lang = lang;
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
}
