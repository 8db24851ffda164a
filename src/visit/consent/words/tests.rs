//! The lexicon against what banners and pages say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use proptest::prelude::*;
use regex::Regex;

use super::*;

/// `language role: text | text`, as banners say them.
const BUTTONS: &str = "
en accept: Accept all | ACCEPT ALL COOKIES | Yes, I agree! | Allow all | Enable all | I’m OK with that | ✔ Accept & continue → | OK, accept | Agree and close | Accept all cookies and continue to our site | Accept non-essential cookies | I understand and agree | Accept additional cookies | Save and accept all | Accept and don't show again
en reject: Reject all | Decline | Deny | Refuse | Only necessary | Essential only | Use necessary cookies only | Accept only necessary | Accept essential cookies | Continue without accepting | No, thanks | I do not agree | Don’t accept | Object to all | Reject non-essential cookies | Strictly necessary cookies only | Do not allow cookies | Without consent | Reject all and save | I disagree | Continue with necessary cookies
en settings: Manage preferences | Cookie settings | Customise… | More options | Show purposes | Let me choose | Show details | Manage or reject cookies | Privacy policy & settings | Learn more and customize | No, manage settings | Accept or customise
en save: Save & exit | Confirm my choices | Save selection | Allow selection | Accept selected | Save preferences | Accept selected cookies | Save cookie settings | Agree to selected cookies
en acknowledge: Got it! | I understand | Okay, got it | Understood | Continue
en pay: Subscribe | Reject and subscribe | Subscribe to reject all | Pay or accept | Continue without ads
en close: Close | Dismiss | Close this banner | Close preferences
en link: Privacy policy | Cookie Policy | Learn more | View our 842 partners | Vendor list | Read our cookie policy
de accept: Alle akzeptieren | ALLE COOKIES AKZEPTIEREN | Ich stimme zu | Einverstanden | Zustimmen und weiter | Alles erlauben | Alle auswählen und akzeptieren | Ja, alle Cookies zulassen | Akzeptieren & schließen | Ich stimme allen Cookies zu | Einwilligen | Zustimmen und nicht mehr anzeigen | Nicht notwendige Cookies akzeptieren
de reject: Alle ablehnen | Ablehnen | Nur notwendige Cookies | Nur essenzielle Cookies akzeptieren | Weiter ohne Einwilligung | Nein, danke | Ich stimme nicht zu | Nicht einverstanden | Nur technisch erforderliche Cookies zulassen | Ich lehne ab | Notwendige akzeptieren | Ohne zu akzeptieren fortfahren | Akzeptiere nichts | Nur Erforderliche
de settings: Einstellungen | Cookie-Einstellungen | Individuelle Datenschutzeinstellungen | Mehr Optionen | Details anzeigen | Zwecke anzeigen | Einstellungen verwalten | Anpassen | Ablehnen oder Einstellungen
de save: Auswahl speichern | Speichern & Schließen | Auswahl erlauben | Ausgewählte Cookies akzeptieren | Meine Auswahl bestätigen | Speichern
de acknowledge: Verstanden | OK, verstanden | Alles klar
de pay: PUR-Abo abschließen | Jetzt abonnieren | Ablehnen und Abo | Werbefrei lesen für 3,99 €/Monat | Mit Pur-Abo
de close: Schließen | SCHLIESSEN | Später
de link: Datenschutzerklärung | Impressum | Mehr erfahren | Weitere Informationen | Cookie-Richtlinie
fr accept: Tout accepter | J'accepte | J’ACCEPTE | Accepter & Fermer | Accepter et continuer | Autoriser tous les cookies | D'accord | OK, tout accepter | Accepter tous les cookies | Oui, j’accepte | ✓ OK, j'accepte
fr reject: Tout refuser | Continuer sans accepter → | Je refuse | Refuser tous les cookies | Je n’accepte pas | Non merci | Uniquement les cookies nécessaires | Accepter uniquement les cookies essentiels | Interdire tous les cookies | Cookies strictement nécessaires uniquement | Refuser et fermer | Naviguer sans accepter
fr settings: Paramétrer | Personnaliser | Gérer mes choix | Paramètres des cookies | Plus d'options | En savoir plus et paramétrer | Je choisis | Afficher les finalités | Configurer ou refuser
fr save: Enregistrer mes choix | Enregistrer et fermer | Confirmer mes choix | Accepter la sélection | Valider mes choix
fr acknowledge: J'ai compris | OK | Compris
fr pay: S'abonner | Refuser et s’abonner | Je m'abonne pour 2 € | Accéder sans publicité
fr close: Fermer | Masquer ce message
fr link: En savoir plus | Politique de confidentialité | Nos partenaires | Voir nos 642 partenaires | Mentions légales
es accept: Aceptar todo | Aceptar todas las cookies | ACEPTO | Sí, estoy de acuerdo | Permitir todas | Aceptar y cerrar | Aceptar y continuar | Consentir | Activar todas las cookies | De acuerdo | OK, aceptar cookies
es reject: Rechazar todo | Rechazar | Rechazar todas las cookies | Solo las necesarias | Continuar sin aceptar | No acepto | No, gracias | Denegar | Aceptar solo las cookies técnicas | Usar solo cookies necesarias | Rechazar y cerrar | Oponerse a todo
es settings: Configurar | Configuración de cookies | Gestionar opciones | Más opciones | Personalizar | Configurar o rechazar cookies | Ver preferencias | Mostrar detalles
es save: Guardar y salir | Guardar preferencias | Confirmar mis opciones | Aceptar selección | Permitir la selección | Aceptar las cookies seleccionadas
es acknowledge: Entendido | Vale | OK, lo he entendido
es pay: Suscribirse | Rechazar y suscribirse | Pagar para rechazar
es close: Cerrar | Ahora no
es link: Política de cookies | Más información | Aviso legal | Ver nuestros 130 socios
it accept: Accetta tutti | Accetta tutti i cookie | Accetto | ACCETTA E CHIUDI | Consenti tutti | Acconsento | Accetta e continua | Sono d'accordo | Abilita tutti i cookie | Sì, accetto | Autorizza
it reject: Rifiuta tutto | Rifiuta | Continua senza accettare | Rifiuta tutti i cookie | Solo necessari | Usa solo i cookie necessari | Accetta solo cookie tecnici | Non accetto | No, grazie | Nega | Chiudi e rifiuta tutto | Accetta solo i necessari
it settings: Personalizza | Impostazioni | Gestisci opzioni | Preferenze cookie | Scopri di più e personalizza | Mostra dettagli | Mostra le finalità | Più opzioni
it save: Salva ed esci | Salva preferenze | Conferma le mie scelte | Accetta selezionati | Consenti selezione
it acknowledge: Ho capito | OK, ho capito | Va bene
it pay: Abbonati | Rifiuta e abbonati | Accetta o abbonati
it close: Chiudi | Nascondi
it link: Cookie Policy | Informativa sulla privacy | Scopri di più | Maggiori informazioni
nl accept: Alles accepteren | Alle cookies accepteren | Akkoord | Ja, ik ga akkoord | Alle cookies toestaan | Accepteren en doorgaan | Accepteer alles | Cookies toestaan | Akkoord en sluiten | Ik accepteer cookies | Alle cookies aanvaarden
nl reject: Alles weigeren | Weigeren | Alleen noodzakelijke cookies | Alleen functionele cookies | Niet akkoord | Ik ga niet akkoord | Doorgaan zonder te accepteren | Nee, bedankt | Accepteer alleen noodzakelijke | Alle cookies afwijzen | Alleen strikt noodzakelijk | Noodzakelijke cookies accepteren
nl settings: Instellingen | Cookievoorkeuren aanpassen | Voorkeuren beheren | Meer opties | Zelf instellen | Details tonen | Cookie-instellingen | Toon doeleinden
nl save: Opslaan en sluiten | Voorkeuren opslaan | Bevestig mijn keuzes | Selectie toestaan | Accepteer geselecteerde cookies
nl acknowledge: Begrepen | Ik snap het | OK, begrepen
nl pay: Abonneren | Weigeren en abonneren | Neem een abonnement
nl close: Sluiten | Niet nu
nl link: Privacybeleid | Cookieverklaring | Meer informatie | Lees meer over cookies
pl accept: Akceptuj wszystko | Zaakceptuj wszystkie | Zgadzam się | AKCEPTUJĘ I PRZECHODZĘ DO SERWISU | Zezwól na wszystkie | Wyrażam zgodę | Akceptuję wszystkie pliki cookie | Tak, zgadzam się | Akceptuj i zamknij | Przejdź do serwisu | Przyjmuję wszystkie
pl reject: Odrzuć wszystkie | Odrzuć | Nie zgadzam się | Tylko niezbędne | Odmów | Kontynuuj bez akceptacji | Akceptuj tylko niezbędne | Nie akceptuję | Nie wyrażam zgody | Tylko wymagane pliki cookie | Zezwól tylko na niezbędne ciasteczka | Nie, dziękuję
pl settings: Ustawienia | Ustawienia zaawansowane | Zarządzaj opcjami | Dostosuj | Więcej opcji | Pokaż szczegóły | Ustawienia plików cookie
pl save: Zapisz i zamknij | Zapisz ustawienia | Potwierdź mój wybór | Zezwól na wybór | Zaakceptuj wybrane
pl acknowledge: Rozumiem | OK, rozumiem | W porządku
pl pay: Subskrybuj | Odrzuć i zapłać | Kup subskrypcję
pl close: Zamknij | Nie teraz
pl link: Polityka prywatności | Dowiedz się więcej | Więcej informacji | Nasi zaufani partnerzy
pt accept: Aceitar tudo | Aceitar todos os cookies | ACEITO | Concordo | Permitir todos | Aceitar e fechar | Sim, aceito | Aceitar e continuar | Concordar e fechar | Ativar todos os cookies | Autorizar todos
pt reject: Rejeitar tudo | Recusar | Recusar todos os cookies | Apenas os necessários | Continuar sem aceitar | Não aceito | Não, obrigado | Aceitar apenas cookies essenciais | Só os necessários | Rejeitar cookies opcionais | Não concordo | Usar somente cookies necessários
pt settings: Definições de cookies | Configurações | Gerir preferências | Gerenciar cookies | Mais opções | Personalizar | Mostrar detalhes | Ver finalidades
pt save: Guardar e sair | Salvar preferências | Confirmar minhas escolhas | Aceitar selecionados | Permitir seleção
pt acknowledge: Entendi | OK, entendi | Compreendo
pt pay: Assinar agora | Rejeitar e assinar | Recusar e subscrever
pt close: Fechar | Agora não
pt link: Política de Privacidade | Saiba mais | Mais informações | Política de cookies
sv accept: Godkänn alla | Tillåt alla cookies
sv reject: Endast nödvändiga | Neka alla | Godkänn bara nödvändiga kakor | Fortsätt utan att acceptera
sv settings: Hantera cookies | Inställningar
sv save: Spara mina val | Tillåt urval
da accept: Tillad alle | Accepter alle cookies
da reject: Afvis alle | Kun nødvendige cookies | Nej tak | Accepter kun nødvendige
da settings: Tilpas indstillinger | Vis detaljer
da save: Gem valg | Tillad valgte | OK til valgte
no accept: Godta alle | Jeg aksepterer
no reject: Avvis alle | Bare nødvendige | Godta kun nødvendige informasjonskapsler
no settings: Tilpass innstillinger | Administrer valg
no save: Lagre innstillinger | Tillat utvalg
fi accept: Hyväksy kaikki evästeet | Salli kaikki
fi reject: Vain välttämättömät | Hylkää kaikki | En hyväksy | Hyväksy vain välttämättömät evästeet | Jatka hyväksymättä
fi settings: Evästeasetukset | Muokkaa valintoja
fi save: Tallenna valinnat | Salli valitut
cs accept: Přijmout vše | SOUHLASÍM | Povolit všechny cookies
cs reject: Odmítnout vše | Pouze nezbytné | Přijmout jen nezbytné cookies | Nesouhlasím
cs settings: Podrobné nastavení | Upravit předvolby
cs save: Uložit nastavení | Povolit výběr
sk accept: Prijať všetky | Súhlasím | Povoliť všetky cookies
sk reject: Odmietnuť všetko | Iba nevyhnutné | Nesúhlasím
sk settings: Zobraziť podrobnosti | Upraviť nastavenia
sk save: Uložiť nastavenia | Povoliť výber
hu accept: Összes elfogadása | Elfogadom | Az összes süti engedélyezése
hu reject: Elutasítom | Csak a szükséges sütik | Csak a szükségeseket fogadom el | Folytatás elfogadás nélkül | Nem fogadom el
hu settings: Beállítások kezelése | További lehetőségek
hu save: Beállítások mentése | Kiválasztottak mentése | Kiválasztottak engedélyezése
ro accept: Accept toate | Acceptă toate cookie-urile | Sunt de acord
ro reject: Refuz toate | Respinge tot | Doar cele necesare | Continuă fără a accepta
ro settings: Setări cookie-uri | Mai multe opțiuni
ro save: Salvează preferințele | Permite selecția
el accept: Αποδοχή όλων | ΑΠΟΔΟΧΗ ΟΛΩΝ | Συμφωνώ
el reject: Απόρριψη όλων | Μόνο τα απαραίτητα | Δεν συμφωνώ | ΣΥΝΕΧΕΙΑ ΧΩΡΙΣ ΑΠΟΔΟΧΗ
el settings: Ρυθμίσεις cookies | Περισσότερες επιλογές
el save: Αποθήκευση επιλογών | Αποδοχή επιλεγμένων
bg accept: Приемам всички | Разреши всички бисквитки | Съгласен съм
bg reject: Отказвам всички | Само необходимите | Не приемам | Отхвърляне на всички
bg settings: Настройки на бисквитките | Повече опции
bg save: Запази избора | Разреши избраните
hr accept: Prihvati sve | Prihvaćam sve kolačiće | Slažem se
hr reject: Odbij sve | Samo nužni kolačići | Ne prihvaćam
hr settings: Postavke kolačića | Prilagodi postavke
hr save: Spremi postavke | Dopusti odabir
sl accept: Sprejmi vse | Strinjam se | Dovoli vse piškotke
sl reject: Zavrni vse | Samo nujni piškotki | Ne strinjam se
sl settings: Nastavitve piškotkov | Prilagodi nastavitve
sl save: Shrani nastavitve | Dovoli izbrane
et accept: Nõustun kõigiga | Luba kõik küpsised | Olen nõus
et reject: Keeldun kõigist | Ainult vajalikud | Luba ainult vajalikud küpsised
et settings: Küpsiste seaded | Halda valikuid
et save: Salvesta valikud | Luba valitud
lt accept: Sutinku su visais | Priimti visus slapukus | Leisti visus
lt reject: Atmesti visus | Tik būtini slapukai | Nesutinku
lt settings: Slapukų nustatymai | Tvarkyti parinktis
lt save: Išsaugoti pasirinkimą | Leisti pasirinktus
lv accept: Piekrītu visām | Apstiprināt visas sīkdatnes | Pieņemt visas
lv reject: Noraidīt visas | Tikai nepieciešamās sīkdatnes | Nepiekrītu
lv settings: Sīkdatņu iestatījumi | Pārvaldīt iespējas
lv save: Saglabāt izvēli | Atļaut izvēlētās
ga accept: Glac le gach fianán | Glac leis uile | Aontaím
ga reject: Diúltaigh do gach fianán | Fianáin riachtanacha amháin | Ní ghlacaim
ga settings: Socruithe fianán | Bainistigh roghanna
ga save: Sábháil mo roghanna
mt accept: Aċċetta kollox | Naċċetta l-cookies kollha | Naqbel
mt reject: Irrifjuta kollox | Il-cookies meħtieġa biss | Ma naqbilx
mt settings: Immaniġġja l-preferenzi | Aktar għażliet
mt save: Issejvja l-għażliet tiegħi
is accept: Samþykkja allar vafrakökur | Leyfa allar | Já, ég samþykki
is reject: Hafna öllum | Aðeins nauðsynlegar vafrakökur | Ég samþykki ekki
is settings: Stillingar á vafrakökum | Fleiri valkostir
is save: Vista stillingar | Leyfa valdar
uk accept: Прийняти всі | Дозволити всі файли cookie | Погоджуюсь
uk reject: Відхилити всі | Лише необхідні | Не погоджуюсь | Прийняти тільки обов’язкові
uk settings: Налаштування файлів cookie | Більше опцій
uk save: Зберегти налаштування | Дозволити вибрані
ru accept: Принять все | Разрешить все файлы cookie | Я согласен
ru reject: Отклонить все | Только необходимые | Не согласен | Принять только необходимые
ru settings: Настройки файлов cookie | Больше опций
ru save: Сохранить настройки | Разрешить выбранные
tr accept: Tümünü kabul et | TÜM ÇEREZLERİ KABUL ET | İzin ver
tr reject: Tümünü reddet | Yalnızca gerekli çerezler | Kabul etmiyorum | Kabul etmeden devam et
tr settings: Çerez ayarları | Tercihleri yönet
tr save: Seçimlerimi kaydet | Seçime izin ver
ca accept: Accepta-ho tot | Acceptar totes les galetes | Hi estic d'acord
ca reject: Rebutja-ho tot | Només les necessàries | Continua sense acceptar
ca settings: Configuració de galetes | Gestiona les preferències
ca save: Desa les preferències | Permet la selecció
ar accept: تقبل كل شيء | سماح | قبول كل شيء | قبول جميع ملفات تعريف الارتباط | أوافق | السماح للكل
ar close: اغلاق
ar reject: رفض كل شيء | منع | رفض الكل | لا أوافق | الضرورية فقط | رفض ملفات تعريف الارتباط غير الضرورية
ar save: حفظ
ar settings: تخصيص
az save: Yadda saxla
eu accept: Onartu guztiak
eu close: Itxi
eu reject: Onartu beharrezkoak
eu save: Gorde
eu settings: Konfiguratu
gu accept: બધું સ્વીકારો
gu close: બંધ કરો
gu reject: બધું નકારો
gu save: સેટિંગ્સ સાચવો
gu settings: કસ્ટમાઇઝ કરો
he accept: אפשר הכל | הסכם להכול | אשר הכל | מאשר/ת הכל | אני מסכים/ה לכל העוגיות
he close: סגור
he reject: דחה הכל | רק עוגיות חיוניות | אני לא מסכים/ה | סרב לעוגיות לא חיוניות
he save: שמור הגדרות
he settings: התאמה אישית | ניהול העדפות
hi accept: सभी स्वीकार करें
hi close: बंद करें
hi reject: सभी अस्वीकार करें
hi save: सहेजें | सेटिंग्स सहेजें | सेटिंग्स सेव करें
hi settings: अनुकूलित करें
id accept: Terima | Terima semua
id reject: Tolak | Tolak semua
id save: Simpan
id settings: Pelajari lebih lanjut dan sesuaikan
ja accept: すべてのクッキーを許可する | 全てに同意する | 許可 | すべて許可 | すべてのCookieを受け入れる | 同意して次へ
ja close: 閉じる
ja reject: すべてのクッキーを拒否する | 拒否 | すべて拒否 | すべて拒否する | 必須Cookieのみを受け入れる | 必要なCookieのみ
ja save: 保存 | 設定を保存
ja settings: カスタマイズする | カスタマイズ
ko accept: 모두 동의하고 계속하기 | 모두 허용 | 허용 | 모두 수락 | 모든 쿠키 허용 | 쿠키 모두 허용
ko close: 닫기
ko reject: 거부 | 모두 거부 | 필수 쿠키만 허용 | 동의하지 않음 | 선택적 쿠키 거부
ko save: 저장하기 | 설정 저장
ko settings: 설정 변경 | 맞춤 설정
lb accept: Alles akzeptéieren | Erlaaben
lb reject: Alles verwerfen | Refuséieren
lb save: Späicheren
lb settings: Personaliséieren
oc accept: Acceptar totes los cookies | Autorizar | Autorizar totes los cookies | OK, tot acceptar | Tot acceptar
oc reject: Acceptar sonque los cookies tecnics necessaris | Accèpti çò necessari | Interdire totes los cookies | Tot refusar
oc save: Enregistrar | Salvagardar
oc settings: Gerir los cookies
rm accept: Acceptar tut
rm reject: Refusar ils cookies betg essenzials
rm settings: Midar ils parameters da cookie
sq accept: Lejo | Lejo të gjitha cookies | OK, prano të gjitha
sq close: Mbyll
sq reject: Refuzo | Refuzo të gjitha cookies
sq save: Ruaj
sq settings: Personalizo
sr accept: Прихвати све | Prihvatam sve kolačiće | Dozvoli sve
sr reject: Одбиј све | Odbij sve | Само неопходни | Prihvati samo neophodne
ta close: மூடு
ta save: சேமி
vi accept: Cho phép | Cho phép tất cả các Cookies | OK, đồng ý
vi close: Đóng
vi reject: Từ chối | Từ chối tất cả cookies
vi save: Lưu
vi settings: Cá nhân
zh accept: 允许 | 好的，全部接受 | 全部同意 | 全部接受
zh close: 关闭
zh reject: 禁用 | 全部拒绝 | 我拒绝 | 拒绝所有 Cookies | 仅接受必要 Cookie | 拒絕非必要Cookie
zh save: 保存偏好设置 | 保存设置 | 接受选择
zh settings: 个性化 | 自定义 | 自定义设置
th accept: ยอมรับทั้งหมด | ยอมรับคุกกี้ทั้งหมด | ฉันยอมรับ
th reject: ปฏิเสธทั้งหมด | เฉพาะคุกกี้ที่จำเป็น | ไม่ยอมรับ | ยอมรับเฉพาะคุกกี้ที่จำเป็นเท่านั้น
th settings: ตั้งค่าคุกกี้ | จัดการคุกกี้
fa accept: پذیرش همه | می‌پذیرم
fa reject: رد همه | فقط کوکی‌های ضروری
mk accept: Прифати ги сите | Се согласувам
mk reject: Одбиј ги сите | Само неопходни колачиња
ms reject: Tolak semua | Kuki yang diperlukan sahaja
cy reject: Gwrthod cwcis ychwanegol | Derbyn cwcis hanfodol yn unig
hu accept: Fogadja el mindet | Engedélyezze
sk reject: Odmietnite všetky
ro accept: OK, acceptați-le pe toate
de accept: Alle Einstellungen akzeptieren
de reject: Alle Einstellungen ablehnen
de save: Diese Einstellungen akzeptieren
und acknowledge: OK | Okay!
und close: × | ✕ | X | \u{a0}✖\u{fe0f}
";

/// What pages say elsewhere.
const OTHERS: &str = "
Add to cart | Subscribe to newsletter | Sign up for our newsletter | Log in | Accept invitation
Accept the terms and conditions | Accept friend request | Allow notifications | Manage account
Shipping options | More options for delivery | Close menu | Continue shopping | Save draft
Confirm order | Search | Enable location | Buy tickets | Agree on a price | Decline invitation
Play video | No problem | Choose a colour | Reject application | Settle up | Change password
In den Warenkorb | Newsletter abonnieren | Anmelden | Einladung annehmen | AGB akzeptieren
Bestellung bestätigen | Menü schließen | Passwort ändern | Zur Kasse | Termin ablehnen
Se connecter | Accepter la commande | Ajouter au panier | S'abonner à la newsletter
Confirmer la commande | Refuser l’invitation | Accepter les conditions générales | Fermer le menu
Añadir al carrito | Iniciar sesión | Aceptar el pedido | Suscribirse al boletín | Cerrar menú
Aggiungi al carrello | Accedi | Accetta l'invito | Conferma ordine | Chiudi il menu
In winkelwagen | Inloggen | Bestelling bevestigen | Voorwaarden accepteren | Menu sluiten
Dodaj do koszyka | Zaloguj się | Akceptuję regulamin | Potwierdź zamówienie | Zamknij menu
Adicionar ao carrinho | Iniciar sessão | Aceitar convite | Confirmar encomenda | Fechar menu
Lägg i varukorgen | Læg i kurv | Legg i handlekurv | Lisää ostoskoriin | Vložit do košíku
Do košíka | Kosárba teszem | Adaugă în coș | Προσθήκη στο καλάθι | Добави в количката
Dodaj u košaricu | Dodaj v košarico | Lisa ostukorvi | Į krepšelį | Pievienot grozam
Cuir sa chiseán | Żid mal-basket | Setja í körfu | Додати в кошик | Добавить в корзину
Sepete ekle | Afegeix a la cistella | Kirjaudu sisään | Войти | Giriş yap | Přihlásit se
接受邀请 | 登录 | 加入购物车 | 订阅电子报 | 同意条款并注册 | 管理账户 | 招待を承認する | ログイン
カートに入れる | 利用規約に同意する | 通知を許可する | 로그인 | 장바구니에 담기 | 약관에 동의 | 알림 허용
ยอมรับคำเชิญ | เข้าสู่ระบบ | تسجيل الدخول | أضف إلى السلة | قبول الدعوة | הוסף לסל | אשר הזמנה
Hello world | 12 | … | — | 🍪 | lorem ipsum dolor sit amet
";

fn role_named(name: &str) -> ButtonRole {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).unwrap()
}

fn buttons() -> impl Iterator<Item = (&'static str, ButtonRole, &'static str)> {
    let lines = BUTTONS.lines().filter(|line| !line.is_empty());
    lines.flat_map(|line| {
        let (head, texts) = line.split_once(": ").unwrap();
        let (language, role) = head.split_once(' ').unwrap();
        texts
            .split(" | ")
            .map(move |text| (language, role_named(role), text))
    })
}

#[test]
fn the_built_in_words_are_read() {
    let lexicon = Lexicon::parse(&SOURCES).unwrap();
    assert_eq!(lexicon.languages.len(), 63);
    for language in &lexicon.languages {
        assert!(language.common.len() >= 15, "{}", language.code);
        assert!(!language.consent.is_empty(), "{}", language.code);
    }
}

#[test]
fn no_phrase_has_two_roles_in_one_language() {
    let lexicon = Lexicon::builtin();
    let mut contradictions = Vec::new();
    for (phrase, meanings) in &lexicon.phrases {
        assert!(!phrase.is_empty());
        for one in meanings {
            if meanings
                .iter()
                .any(|other| other.language == one.language && other.role != one.role)
            {
                contradictions.push((lexicon.code(one.language), phrase, one.role));
            }
        }
    }
    assert!(contradictions.is_empty(), "{contradictions:#?}");
}

#[test]
fn every_phrase_has_its_own_role_where_languages_agree() {
    let lexicon = Lexicon::builtin();
    for (phrase, meanings) in &lexicon.phrases {
        let read = lexicon.classify(phrase).unwrap();
        assert!(meanings.iter().any(|meaning| meaning.role == read.role));
    }
}

#[test]
fn buttons_of_banners_have_their_roles() {
    let mut wrong = Vec::new();
    for (language, role, text) in buttons() {
        let read = Lexicon::builtin().classify(text);
        if read.as_ref().map(|read| read.role) != Some(role) {
            wrong.push(format!("{language} {role:?} {text}: {read:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_texts_have_no_role() {
    let texts = OTHERS.lines().flat_map(|line| line.split(" | "));
    let wrong: Vec<String> = texts
        .filter_map(|text| {
            let read = Lexicon::builtin().classify(text)?;
            Some(format!("{text}: {read:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn long_texts_have_no_role() {
    let sentence = "We use cookies and similar technologies; accept all of them if you like, \
                    or manage your choices at any time";
    assert_eq!(Lexicon::builtin().classify(sentence), None);
    assert_eq!(Lexicon::builtin().classify(&"accept ".repeat(10_000)), None);
}

#[test]
fn buttons_name_their_language() {
    for (text, language) in [
        ("Alle akzeptieren", "de"),
        ("Alle Cookies ablehnen und fortfahren", "de"),
        ("Tout refuser", "fr"),
        ("Aceptar todas las cookies", "es"),
        ("Aceitar todos os cookies", "pt"),
        ("Accetta tutti i cookie", "it"),
        ("Godta alle informasjonskapsler", "no"),
        ("Tillad alle", "da"),
        ("Прийняти всі", "uk"),
        ("Приемам всички", "bg"),
        ("OK", SHARED),
    ] {
        let read = Lexicon::builtin().classify(text).unwrap();
        assert_eq!(read.language, language, "{text}");
    }
}

#[test]
fn spelling_does_not_matter() {
    for text in [
        "Continuer\u{200b} sans\u{a0}accepter",
        "CONTINUER SANS ACCEPTER",
        "  continuer\n\tsans accepter →",
        "Continuer sans acc\u{ad}epter",
        "Continuer sans accept\u{65}\u{301}r",
        "\u{ff23}ontinuer sans accepter",
    ] {
        let read = Lexicon::builtin().classify(text).unwrap();
        assert_eq!(read.role, ButtonRole::Reject, "{text}");
    }
}

#[test]
fn banners_name_their_languages() {
    for (text, languages) in [
        (
            "We use cookies and similar technologies to improve your visit. You can change your choice at any time.",
            vec!["en"],
        ),
        (
            "Wir verwenden Cookies, um unsere Seite zu verbessern. Ihre Auswahl können Sie jederzeit ändern.",
            vec!["de"],
        ),
        (
            "Nous utilisons des cookies avec nos partenaires pour mesurer l'audience. Vous pouvez changer d'avis.",
            vec!["fr"],
        ),
        (
            "Utilizamos cookies propias y de terceros para analizar el uso de la web. Puedes aceptarlas todas o configurarlas.",
            vec!["es"],
        ),
        (
            "Utilizziamo cookie per migliorare la tua esperienza sul nostro sito. Puoi accettarli tutti o rifiutarli.",
            vec!["it"],
        ),
        (
            "Wij gebruiken cookies om onze website te verbeteren. Je kunt je keuze altijd aanpassen.",
            vec!["nl"],
        ),
        (
            "Używamy plików cookie, aby ulepszać naszą stronę. W każdej chwili możesz zmienić swój wybór.",
            vec!["pl"],
        ),
        (
            "Utilizamos cookies para melhorar a sua experiência no nosso site. Pode aceitar ou recusar.",
            vec!["pt"],
        ),
        (
            "Vi bruger cookies til at forbedre vores hjemmeside. Du kan altid ændre dit samtykke.",
            vec!["da"],
        ),
        (
            "Vi bruker informasjonskapsler for å gjøre nettsiden bedre. Du kan når som helst endre samtykket ditt.",
            vec!["no"],
        ),
        (
            "Vi använder kakor för att förbättra webbplatsen. Du kan när som helst ändra ditt samtycke.",
            vec!["sv"],
        ),
        (
            "Používáme soubory cookies, aby se vám web líbil. Svůj souhlas můžete kdykoli změnit.",
            vec!["cs"],
        ),
        (
            "Používame súbory cookies, aby sa vám stránka páčila. Svoj súhlas môžete kedykoľvek zmeniť.",
            vec!["sk"],
        ),
        (
            "Ми використовуємо файли cookie, щоб покращити сайт. Ви можете змінити свій вибір.",
            vec!["uk"],
        ),
        (
            "Мы используем файлы cookie, чтобы сделать сайт удобнее. Вы можете изменить свой выбор.",
            vec!["ru"],
        ),
        (
            "Ние използваме бисквитки, за да подобрим сайта. Можете да промените избора си.",
            vec!["bg"],
        ),
        (
            "Χρησιμοποιούμε cookies για να βελτιώσουμε τον ιστότοπο. Μπορείτε να αλλάξετε την επιλογή σας.",
            vec!["el"],
        ),
        (
            "Wir verwenden Cookies, um unsere Seite zu verbessern, mit Ihrer Einwilligung. \
          We use cookies to improve this website, with your consent. You can change this at any time.",
            vec!["de", "en"],
        ),
        ("OK", vec![]),
        ("", vec![]),
    ] {
        let mut found = Lexicon::builtin().languages_of(text);
        found.sort();
        assert_eq!(found, languages, "{text}");
    }
}

#[test]
fn the_consent_pattern_finds_banners_and_leaves_pages_alone() {
    let pattern = Lexicon::builtin().consent_pattern();
    // JavaScript's `u` flag refuses escapes it does not know.
    let escapes = Regex::new(r"\\[^s]").unwrap();
    assert!(!escapes.is_match(&pattern));
    let regex = Regex::new(&pattern).unwrap();
    for text in [
        "This site uses COOKIES",
        "Mit Ihrer Einwilligung",
        "DATENSCHUTZ-EINSTELLUNGEN",
        "votre consentement",
        "ΧΡΕΙΑΖΟΜΑΣΤΕ ΤΗ ΣΥΓΚΑΤΑΘΕΣΗ ΣΑΣ",
        "Käytämme evästeitä",
        "Този сайт използва Бисквитки",
        "Używamy ciasteczek",
        "Kasutame küpsiseid",
        "ÇEREZ KULLANIYORUZ",
        "Naudojame slapukus",
        "We  value\nyour privacy",
    ] {
        assert!(regex.is_match(text), "{text}");
    }
    for text in [
        "Privacy policy",
        "Datenschutz | Impressum",
        "Politique de confidentialité",
        "Galettes de sarrasin",
        "Il consenso degli elettori cresce",
        "Un toque sutil de limón",
        "El consenso entre los partidos",
        "Subscribe to our newsletter",
        "Согласие на обработку персональных данных",
    ] {
        assert!(!regex.is_match(text), "{text}");
    }
}

#[test]
fn without_words_nothing_is_said() {
    let lexicon = Lexicon::default();
    assert_eq!(lexicon.classify("Accept all"), None);
    assert_eq!(lexicon.consent_pattern(), "");
    assert!(lexicon.languages_of("We use cookies").is_empty());
}

fn some_button() -> impl Strategy<Value = &'static str> {
    let texts: Vec<&'static str> = buttons().map(|(_, _, text)| text).collect();
    prop::sample::select(texts)
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in any::<String>()) {
        let lexicon = Lexicon::builtin();
        lexicon.classify(&text);
        lexicon.languages_of(&text);
    }

    #[test]
    fn case_and_surrounding_space_do_not_matter(
        parts in prop::collection::vec(some_button(), 1..3),
        noise in "\\PC{0,6}",
        before in "[ \\t\\n\u{a0}\u{200b}]{0,4}",
        after in "[ \\t\\n\u{a0}\u{feff}]{0,4}",
    ) {
        let lexicon = Lexicon::builtin();
        let text = format!("{}{noise}", parts.join(" "));
        let read = lexicon.classify(&text);
        let padded = format!("{before}{text}{after}");
        prop_assert_eq!(&lexicon.classify(&padded), &read);
        prop_assert_eq!(&lexicon.classify(&text.to_uppercase()), &read);
        prop_assert_eq!(&lexicon.classify(&text.to_lowercase()), &read);
    }
}
